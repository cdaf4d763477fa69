"""A pytest plug-in: after how many examples does a random test fail? For ``tests/find_again.py``.

Examples of hypothesis are counted up to the first that fails, without shrinking; tests of ``tests/seeds.py``
are counted by their seeds. The numbers go to the file that ``O2_COUNTED`` names, one line for each test:
its id, the number, and ``found`` or ``passed``.
"""

import functools
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine

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
    """Count the examples of one test."""
    count, handle = Count(), getattr(getattr(item, "obj", None), "hypothesis", None)
    begin = RuleBasedStateMachine.__init__
    if handle is not None:
        handle.inner_test = count.wrap(handle.inner_test)
    else:
        RuleBasedStateMachine.__init__ = count.wrap(begin)
    outcome = "found"
    try:
        result = yield
        outcome = "passed"
        return result
    finally:
        RuleBasedStateMachine.__init__ = begin
        with Path(os.environ["O2_COUNTED"]).open("a") as file:
            file.write(f"{item.nodeid} {count.failed_at or max(count.examples, 1)} {outcome}\n")
