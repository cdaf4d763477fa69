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


def test_a_variable_of_a_role_holds_for_the_roles_below():
    workflow = expand(SOURCE, variables={"root.one:a": "user"})
    assert [task.variables["a"] for task in workflow.tasks] == ["user", "user", "all"]


def test_a_variable_of_the_deeper_role_overrides_outer_and_global_ones():
    variables = {"a": "everywhere", "root.one:a": "branch", "root.one.x:a": "leaf"}
    workflow = expand(SOURCE, variables=variables)
    assert [task.variables["a"] for task in workflow.tasks] == ["leaf", "branch", "everywhere"]


def test_the_origin_of_a_variable_of_a_role_is_shown():
    workflow = expand(SOURCE, variables={"root.two:a": "user"})
    assert workflow.tasks[2].stack.origins()["a"] == "the user, for root.two"


def test_a_role_that_is_not_there_is_named():
    with pytest.raises(UnknownNameError, match=r"a: there is no role root\.tow \(did you mean root\.two\?\)"):
        expand(SOURCE, variables={"root.tow:a": "1"})
