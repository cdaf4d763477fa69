"""An error that has travelled is the same as before: its class, its message and its attributes."""

import msgpack
import pytest

from salt_o2.agent.launch.refusal import Refusal
from salt_o2.core import errors
from salt_o2.core.errors import (
    IllegalTransitionError,
    InvalidRequestError,
    O2Error,
    TaskError,
    TemplateError,
    UnknownNameError,
)
from salt_o2.occ.wire.replies import ReplyTimeout
from salt_o2.sealing.host_sessions import UnknownSession
from salt_o2.workflow.expansion.template_catalogue import Elsewhere

MADE = {
    TemplateError: lambda: TemplateError(["a.yaml:1: no name", "a.yaml:7: no command"]),
    IllegalTransitionError: lambda: IllegalTransitionError(
        "environment E", "RUNNING", "RESET", ("STOP_ACTIVITY", "EXIT")
    ),
}
"""Errors whose classes have more than a message."""


def example(kind):
    return MADE.get(kind, lambda: kind("what failed, why, and what to do"))()


def travelled(error):
    """Return what arrives at the other end of a socket."""
    return errors.rebuild(msgpack.unpackb(msgpack.packb(errors.as_document(error))))


def attributes(error):
    return {name: value for name, value in vars(error).items() if not name.startswith("__")}


@pytest.mark.parametrize("kind", errors.KINDS.values(), ids=lambda kind: kind.__name__)
def test_an_error_arrives_with_its_class_message_and_attributes(kind):
    sent = example(kind)
    got = travelled(sent)
    assert type(got) is kind
    assert str(got) == str(sent)
    assert attributes(got) == attributes(sent)


def test_every_class_of_the_tree_travels():
    def below(kind):
        return {kind, *(each for sub in kind.__subclasses__() for each in below(sub))}

    assert {kind for kind in below(O2Error) if kind.__module__ == errors.__name__} == set(
        errors.KINDS.values()
    )


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Elsewhere("it is in another repository"), UnknownNameError),
        (UnknownSession("no such session"), InvalidRequestError),
        (ReplyTimeout("no answer"), errors.UnreachableError),
        (Refusal("no program", "install it"), TaskError),
    ],
    ids=lambda each: getattr(each, "__name__", type(each).__name__),
)
def test_an_error_class_of_one_package_arrives_as_its_shared_base_class(error, kind):
    assert type(travelled(error)) is kind


@pytest.mark.parametrize("fields", [None, {}, [], "x", {"problems": 7}, {"state": ["a"]}], ids=str)
@pytest.mark.parametrize("kind", ["TemplateError", "IllegalTransitionError", "O2Error", "NoSuchKind", None])
def test_an_error_with_unusable_fields_is_rebuilt_with_defaults(kind, fields):
    got = errors.rebuild({"kind": kind, "message": "m", "fields": fields})
    assert str(got) == "m"
    assert all(type(getattr(got, name)) is kind for name, kind in type(got).facts.items())
    assert type(got) is not TemplateError or got.problems == ("m",)
    assert errors.as_document(got)["message"] == "m"


def test_an_error_that_travels_twice_loses_nothing():
    for kind in MADE:
        assert attributes(travelled(travelled(example(kind)))) == attributes(example(kind))
