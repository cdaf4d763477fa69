"""Variables that a user gives for one role, as path.to.role:name (aliecs.md A1.4)."""

import pytest

from salt_o2.core.errors import UnknownNameError
from tests.support.builders.templates import expand

SOURCE = """
name: root
vars: {a: all}
roles:
  - name: one
    roles:
      - {name: x, task: {load: plain}, vars: {a: mine}}
      - {name: y, task: {load: plain}}
  - {name: two, task: {load: plain}}
"""


def test_it_holds_for_the_role_and_those_below_it():
    workflow = expand(SOURCE, variables={"root.one:a": "user"})
    assert [task.variables["a"] for task in workflow.tasks] == ["user", "user", "all"]


def test_the_deeper_role_wins_and_both_win_over_one_for_all():
    variables = {"a": "everywhere", "root.one:a": "branch", "root.one.x:a": "leaf"}
    workflow = expand(SOURCE, variables=variables)
    assert [task.variables["a"] for task in workflow.tasks] == ["leaf", "branch", "everywhere"]


def test_its_origin_is_said():
    workflow = expand(SOURCE, variables={"root.two:a": "user"})
    assert workflow.tasks[2].stack.origins()["a"] == "the user, for root.two"


def test_a_role_that_is_not_there_is_named():
    with pytest.raises(UnknownNameError, match=r"a: there is no role root\.tow \(did you mean root\.two\?\)"):
        expand(SOURCE, variables={"root.tow:a": "1"})
