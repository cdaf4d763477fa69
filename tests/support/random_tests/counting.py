"""A pytest plug-in: after how many examples does a random test fail? For ``find_again.py``.

Examples of hypothesis are counted up to the first that fails, without shrinking; tests of ``seeds.py``
are counted by their seeds, those of ``mutated_messages.py`` by their messages. The numbers go to the file
that ``O2_COUNTED`` names, one line for each test: its id, the number, and ``found`` or ``passed``; a test of
hypothesis runs with three seeds.
"""

import functools
import os
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, core, settings
from hypothesis.stateful import RuleBasedStateMachine

SEEDS = (1, 2, 3)
MUTATIONS = ("mutated", "mutated_bytes")
"""Functions of ``mutated_messages.py``: one call makes one wrong message."""

settings.register_profile(
    "counting",
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
)
settings.load_profile("counting")


class Count:
    """How many examples there were, and at which one the test failed first."""

    def __init__(self):
        self.examples, self.failed_at = 0, 0

    def wrap(self, inner):
        @functools.wraps(inner)
        def counted(*arguments, **more):
            self.examples += 1
            try:
                return inner(*arguments, **more)
            except Exception:
                self.failed_at = self.failed_at or self.examples
                raise

        return counted


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Run one test with each seed, and count its examples; a test without hypothesis runs once."""
    test = getattr(item, "obj", None)
    is_stateful = getattr(item, "cls", None) is not None and hasattr(item.cls, "settings")
    if is_stateful or hasattr(test, "hypothesis"):
        for core.global_force_seed in SEEDS[:-1]:
            with suppress(Exception), counted(item):
                item.runtest()
        core.global_force_seed = SEEDS[-1]
    with counted(item):
        return (yield)


@contextmanager
def counted(item):
    """Count the examples of one run of ``item``."""
    count, handle = Count(), getattr(getattr(item, "obj", None), "hypothesis", None)
    begin, inner, outcome = RuleBasedStateMachine.__init__, handle and handle.inner_test, "found"
    mutations = {name: getattr(item.module, name) for name in MUTATIONS if hasattr(item.module, name)}
    vars(item).pop("_excinfo", None)  # where pytest keeps the failure of a unittest.TestCase
    if handle is not None:
        handle.inner_test = count.wrap(inner)
    else:
        RuleBasedStateMachine.__init__ = count.wrap(begin)
    for name, mutation in mutations.items():
        setattr(item.module, name, count.wrap(mutation))
    try:
        yield
        outcome = "found" if getattr(item, "_excinfo", None) else "passed"
    finally:
        RuleBasedStateMachine.__init__ = begin
        for name, mutation in mutations.items():
            setattr(item.module, name, mutation)
        if handle is not None:
            handle.inner_test = inner
        with Path(os.environ["O2_COUNTED"]).open("a") as file:
            file.write(f"{item.nodeid} {count.failed_at or max(count.examples, 1)} {outcome}\n")
