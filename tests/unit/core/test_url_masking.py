"""URLs without the passwords in them."""

import pytest

from salt_o2.core.url_masking import without_password, without_passwords, without_secrets


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


SECRET = "hunter2"
FORMS = {
    "user and password": f"https://git:{SECRET}@host/x.git",
    "@ in the password": f"https://git:p@{SECRET}@host/x.git",
    "@ behind it": f"https://git:{SECRET}@p@host/x.git",
    "/ in the password": f"https://git:p/{SECRET}@host/x.git",
    "? in the password": f"https://git:p?{SECRET}@host/x.git",
    "# in the password": f"https://git:p#{SECRET}@host/x.git",
    "digits and a letter": f"https://git:1x/{SECRET}@host/x.git",
    "a token alone": f"https://{SECRET}@host/x.git",
    "a token with an @": f"https://{SECRET}@x@host/x.git",
    "a token as user": f"https://{SECRET}:x-oauth-basic@host/x.git",
    "private_token": f"https://host/x.git?private_token={SECRET}",
    "access_token": f"https://host/x.git?a=b&access_token={SECRET}",
    "api key": f"https://host/x.git?apikey={SECRET}",
    "pass": f"postgresql+psycopg://h/db?user=u&pass={SECRET}",
    "password": f"postgresql+psycopg://h/db?user=u&password={SECRET}",
}


@pytest.mark.finding("X22")
@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_no_form_of_a_secret_in_a_url_is_shown(text):
    assert SECRET not in without_password(text)
    assert SECRET not in without_password(f"git: fatal: unable to access '{text}/': it is away")
    assert SECRET not in str(without_passwords({text: [text]}))
    assert "://" in without_password(text)


@pytest.mark.finding("X22")
@pytest.mark.parametrize("text", [f"https://git:a {SECRET}@host/x", f"etcd://o2:{SECRET} b@host"])
def test_a_password_with_a_space_is_not_shown_of_a_value(text):
    assert SECRET not in str(without_passwords([text]))


@pytest.mark.parametrize(
    "text",
    [
        "https://host:8443/a@v1.2",
        "https://host:8443?x=a@b",
        "no answer of http://127.0.0.1:8500: ask the owner, a@b",
        "https://host/x.git?ref=main and salt://o2?saltenv=base",
        "(http://[::1]:80/x) a@b",
        "/srv/o2@v1.2",
    ],
)
def test_a_url_without_a_secret_is_shown_unchanged(text):
    assert without_password(text) == text
    assert without_passwords(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b:c@d e", "a *** e"),
        ("a@b:c", "a@b:c"),
        ("'a b:c d@e' f", "'***' f"),
        ('"a b:c d@e" f', '"***" f'),
        ("'a b:c' d@e", "'a b:c' d@e"),
        ("'a': 'b@c'", "'a': 'b@c'"),
        ("x'a:b@c", "x'***"),
        ("x?my_token=1&b=2", "x?my_token=***&b=2"),
        ("x?token=&key=2", "x?token=&key=***"),
        ("x?tokens", "x?tokens"),
    ],
)
def test_a_text_that_may_have_a_password_is_removed_as_a_whole_and_all_else_is_shown(text, shown):
    assert without_secrets(text) == shown


LONG = 1_000_000
LONG_TEXTS = {
    "a word": "x" * LONG,
    "colons": ":" * LONG,
    "colons in quotes": "'" + "a:" * LONG,
    "quotes and colons": "'a:" * LONG,
    "a parameter": "?" + "key" * LONG,
    "a parameter without a value": "?" + "key" * LONG + "=",
    "URLs": "://a:b" * LONG,
}


@pytest.mark.finding("3.1")
@pytest.mark.parametrize("text", LONG_TEXTS.values(), ids=LONG_TEXTS)
def test_a_long_text_of_a_host_is_searched_in_one_pass(text):
    """A search that begins again at each character takes from an hour to years; the test would time out."""
    assert without_secrets(text) == text
