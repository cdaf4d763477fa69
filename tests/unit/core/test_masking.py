"""URLs without the passwords in them."""

import pytest

from salt_o2.core.url_masking import without_password, without_passwords


@pytest.mark.finding("2.9")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://o2:hunter2@db/o2", "postgresql://o2:***@db/o2"),
        ("https://:token@host/a and ssh://git@host/b", "https://:***@host/a and ssh://git@host/b"),
        ("sqlite:////var/o2.sqlite", "sqlite:////var/o2.sqlite"),
        ("http://127.0.0.1:8500/a@b", "http://127.0.0.1:8500/a@b"),
        ("git@host:a/b", "git@host:a/b"),
    ],
)
def test_a_password_is_not_shown_and_all_else_is(text, shown):
    assert without_password(text) == shown


@pytest.mark.finding("2.9")
def test_passwords_are_found_wherever_they_stand():
    given = {"database": "a://u:p@h", "list": ["b://u:p@h", 1], "inner": {"x": ("c://u:p@h", None)}}
    assert ":p@" not in str(without_passwords(given))
