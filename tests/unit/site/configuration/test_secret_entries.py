"""Entries of configuration that a site marks as secrets."""

import json
import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.core.errors import InvalidRequestError, UnreachableError
from salt_o2.site.configuration import Configuration
from salt_o2.site.configuration.secret_entries import SecretEntries
from salt_o2.site.configuration.tree_backends import PillarTree

PASSWORD = "correct horse battery"


def backend(**entries):
    """A tree in pillar with entries of component ``kafka``."""
    return PillarTree(lambda: {"components": {"kafka": {"ANY": {"any": entries}}}})


def configuration(*patterns, **entries):
    return Configuration(backend(**entries), SecretEntries(patterns))


@pytest.mark.parametrize(
    ("pattern", "path", "is_covered"),
    [
        ("kafka", "kafka/ANY/any/password", True),
        ("kafka/", "kafka/ANY/any/password", True),
        ("kafka/*", "kafka/PHYSICS/any/password", True),
        ("kafka/*/*/password", "kafka/ANY/any/password", True),
        ("kafka/*/*/password", "kafka/ANY/any/brokers", False),
        ("kafka/ANY/any/password", "kafka/PHYSICS/any/password", False),
        ("kafka", "kafka2/ANY/any/password", False),
        ("*/password", "qc/ANY/any/password", True),
        ("KAFKA", "kafka/ANY/any/password", False),
    ],
)
def test_a_pattern_marks_an_entry_and_all_entries_below(pattern, path, is_covered):
    secrets = SecretEntries([pattern])
    assert secrets.covers(path) is is_covered
    assert secrets.covers(f"o2/components/{path}") is is_covered


def test_a_site_without_marks_has_no_secrets():
    known = configuration(password=PASSWORD)
    assert known.raw("kafka/password") == PASSWORD
    assert known.secrets.mask({"a": PASSWORD}) == {"a": PASSWORD}


@pytest.mark.finding("X29")
def test_a_secret_payload_that_a_template_has_read_is_masked_everywhere():
    known = configuration("kafka/*/*/password", password=f"{PASSWORD}\n", brokers="b1:9092")
    assert known.get("kafka/password").strip() == PASSWORD
    assert known.raw("kafka/brokers") == "b1:9092"
    answer = {"vars": {"p": PASSWORD, "b": "b1:9092"}, "command": [f"--password={PASSWORD}", 7, None, True]}
    assert known.secrets.mask(answer) == {
        "vars": {"p": "***", "b": "b1:9092"},
        "command": ["--password=***", 7, None, True],
    }
    assert known.secrets.mask({PASSWORD: 1}) == {"***": 1}


@pytest.mark.finding("X29")
@pytest.mark.parametrize(
    "payload",
    [
        json.dumps({"user": "shift", "login": {"password": PASSWORD, "port": 9092}}),
        json.dumps([PASSWORD]),
        f"user: shift\n{PASSWORD}\n",
    ],
)
def test_texts_within_a_payload_are_masked_too(payload):
    known = configuration("kafka", login=payload)
    known.get("kafka/login")
    assert known.secrets.mask(f"started with {PASSWORD} at 9092") == "started with *** at 9092"


@pytest.mark.finding("X29")
def test_a_number_is_masked_as_number_and_as_text():
    known = configuration("kafka", pin=json.dumps({"pin": 12345678}))
    known.get("kafka/pin")
    assert known.secrets.mask([12345678, "12345678", 1234567]) == ["***", "***", 1234567]


@pytest.mark.finding("X29")
@pytest.mark.parametrize("quoted", [json.dumps, shlex.quote, repr])
def test_a_secret_with_quotes_is_masked_in_its_quoted_form(quoted):
    known = configuration("kafka", password='it\'s a "password"\tof kafka')
    known.get("kafka/password")
    assert "password" not in known.secrets.mask(quoted(known.raw("kafka/password")))


def test_the_longer_of_two_secrets_is_masked_as_a_whole():
    known = configuration("kafka", a="password", b="password-of-kafka")
    known.secrets.read_all(known.backend)
    assert known.secrets.mask("password-of-kafka, password") == "***, ***"


def test_a_secret_that_is_too_short_to_be_recognized_is_given_to_no_template():
    known = configuration("kafka", pin="1234", password=PASSWORD, empty="")
    assert known.raw("kafka/empty") == ""
    with pytest.raises(InvalidRequestError, match="fewer than 6 characters"):
        known.get("kafka/pin")
    assert known.secrets.read_all(known.backend), "the other secrets are known"
    assert known.secrets.mask(PASSWORD) == "***"


def test_a_secret_that_is_set_is_known_at_once(tmp_path):
    from salt_o2.site.configuration.tree_backends import Folder

    known = Configuration(Folder(str(tmp_path)), SecretEntries(["kafka"]))
    known.set("kafka/ANY/any/password", PASSWORD, new_component=True)
    assert known.secrets.mask(PASSWORD) == "***"
    with pytest.raises(InvalidRequestError, match="fewer than"):
        known.set("kafka/ANY/any/pin", "1234")
    assert known.entries("kafka") == ["kafka/ANY/any/password"]


@pytest.mark.finding("X29")
def test_control_knows_the_secrets_of_older_plans_after_a_restart():
    known = configuration("kafka/*/*/password", password=PASSWORD, brokers="b1:9092")
    assert known.secrets.read_all(known.backend)
    assert known.secrets.mask([PASSWORD, "b1:9092"]) == ["***", "b1:9092"]


def test_a_silent_backend_is_read_again_later():
    class Silent:
        name = "silent"

        def keys(self, _prefix):
            raise UnreachableError("no answer")

    assert not SecretEntries(["kafka"]).read_all(Silent())
    assert SecretEntries().read_all(Silent()), "there is nothing to read"


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda part: st.lists(part)))
def test_a_value_without_a_secret_is_returned_unchanged(value):
    secrets = SecretEntries(["kafka"])
    secrets.learn("kafka/x", "a secret that no text has \N{SNOWMAN}")
    assert secrets.mask(value) == value


@settings(max_examples=300)
@given(st.text(min_size=6).filter(lambda text: len(text.strip()) >= 6), st.text(), st.text())
def test_no_secret_stays_in_a_text(secret, before, after):
    secrets = SecretEntries(["kafka"])
    secrets.learn("kafka/x", secret)
    assert secret not in secrets.mask(before + secret + after).replace("***", "") or secret in "***"


def learned(*values):
    """Secrets with these values."""
    secrets = SecretEntries(["kafka"])
    for value in values:
        secrets.learn("kafka/ANY/any/password", value)
    return secrets


@pytest.mark.finding("A8")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password correct horse batt", "password ***"),
        ("password corr", "password ***"),
        ("password correct hor...", "password ***..."),
        ("horse battery is it", "*** is it"),
        ("tery is it", "*** is it"),
        ("cor", "cor"),
        ("correct answer", "correct answer"),
        ("the battery", "the battery"),
        ("correct horse battery", "***"),
    ],
)
def test_a_secret_that_was_cut_off_at_an_end_of_a_text_is_masked(text, shown):
    assert learned(PASSWORD).mask(text) == shown


@settings(max_examples=200)
@given(before=st.text(max_size=20), after=st.text(max_size=20), cut=st.integers(4, 60))
def test_no_cut_of_a_line_shows_five_characters_of_a_secret(before, after, cut):
    secret = "S3cr3t-w0rd!"
    line = (f"{before}|{secret}|{after}")[:cut]
    shown = learned(secret).mask(line)
    assert not any(secret[start : start + 5] in shown for start in range(len(secret) - 4))


@pytest.mark.finding("A9")
@pytest.mark.parametrize(
    "written",
    [
        r'{"password":"Tr0ub4dor\u00263\u003cx\u003e"}',
        '{"password": "Tr0ub4dor&3<x>"}',
        "<text>Tr0ub4dor&amp;3&lt;x&gt;</text>",
    ],
    ids=["as Go writes it", "as Python writes it", "in a picture"],
)
def test_a_secret_is_masked_in_each_notation_that_control_writes(written):
    assert "***" in learned("Tr0ub4dor&3<x>").mask(written)
    assert "Tr0ub4dor" not in learned("Tr0ub4dor&3<x>").mask(written)


@pytest.mark.finding("A10")
@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"workflow": f"a {PASSWORD} b"}, True),
        ({"vars": {PASSWORD: "x"}}, True),
        ({"vars": {"x": [1, {"y": PASSWORD}]}}, True),
        ({"workflow": "correct horse"}, False),
        ({}, False),
        (None, False),
    ],
)
def test_a_request_that_has_the_value_of_a_secret_is_recognized(arguments, found):
    assert learned(PASSWORD).occur_in(arguments) is found
    assert not SecretEntries().occur_in(arguments)
