"""Ids that templates make: they are unique, and an environment that is expanded again has the same ids."""

import pytest

from tests.support.builders.templates import expand

SOURCE = """
name: root
roles:
  - name: "host-{{ it }}"
    for: {range: "{{ hosts }}", var: it}
    vars: {first: "{{ uid.New() }}", second: "{{ NewID() }}"}
    roles:
      - {name: a, vars: {own: "{{ uid.New() }}-{{ uid.New() }}"}, task: {load: plain}}
      - {name: b, vars: {own: "{{ uid.New() }}-{{ uid.New() }}"}, task: {load: plain}}
"""


def ids(hosts='["flp1", "flp2"]', environment="ENV"):
    """Return all ids of an expansion, by the paths of the tasks."""
    variables = {"hosts": hosts} | ({"environment_id": environment} if environment else {})
    found = expand(SOURCE, variables=variables)
    return {
        task.path: [task.variables["first"], task.variables["second"], *task.variables["own"].split("-")]
        for task in found.tasks
    }


def test_the_same_environment_has_the_same_ids():
    assert ids() == ids()


def test_another_environment_has_other_ids():
    assert not {id for each in ids().values() for id in each} & {
        id for each in ids(environment="OTHER").values() for id in each
    }


@pytest.mark.parametrize("environment", ["ENV", ""], ids=["known", "unknown"])
def test_every_id_is_unique(environment):
    found = ids(environment=environment)
    own = [id for each in found.values() for id in each[2:]]
    of_hosts = {id for each in found.values() for id in each[:2]}
    assert len({*own, *of_hosts}) == len(own) + 4


@pytest.mark.parametrize("hosts", ['["flp2"]', '["flp0", "flp2", "flp1"]'])
def test_an_added_or_removed_host_changes_no_other_ids(hosts):
    before, after = ids(), ids(hosts)
    for path in set(before) & set(after):
        assert before[path] == after[path]


def test_ids_without_an_environment_are_random():
    assert ids(environment="") != ids(environment="")


def test_a_stable_id_has_the_form_of_a_random_id():
    assert all(8 <= len(id) <= 11 and id.isalnum() for each in ids().values() for id in each)
