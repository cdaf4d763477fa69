"""Plans: nothing is touched, the token does exactly what was shown, or nothing once the world has moved."""

import pytest

from salt_o2.core.errors import InvalidRequestError, O2Error, PlanError
from tests.support.clusters.environment_queries import identities, paths, task_at

pytestmark = pytest.mark.integration


def test_a_plan_shows_all_and_touches_nothing(workshop):
    plan = workshop.cluster.ask("env_plan", workflow="fairmq-ex-1-n-1", vars={"processors": 2})
    assert (plan["action"], plan["summary"]) == ("create", {"start": 4})
    for row in plan["changes"]:
        assert row["command"].startswith("o2-device")
        assert row["ports"]
        assert row["addresses"]
    assert sum(host["new_tasks"] for host in plan["hosts"]) == 4
    assert all(host["cpus"] >= host["cpu_wanted"] for host in plan["hosts"])
    assert workshop.cluster.ask("env_list") == []
    assert workshop.processes() == set()


def test_the_token_of_a_plan_creates_exactly_the_planned_environment(workshop):
    plan = workshop.cluster.ask("env_plan", workflow="fairmq-ex-1-n-1", scale={"processor": 3})
    made = workshop.cluster.ask("env_create", plan=plan["token"])
    assert (made["id"], made["state"]) == (plan["environment"], "CONFIGURED")
    shown = {row["path"]: (row["id"], row["host"], row["command"]) for row in plan["changes"]}
    assert {t["path"]: (t["id"], t["host"], t["command"]) for t in made["tasks"]} == shown


def test_the_token_of_a_change_applies_exactly_the_planned_change(workshop):
    made = workshop.create("fairmq-ex-1-n-1", processors=1)
    plan = workshop.cluster.ask("env_plan", id=made["id"], scale={"processor": 2})
    after = workshop.cluster.ask("env_modify", plan=plan["token"])
    (row,) = plan["changes"]
    new = task_at(after, "processor1")
    assert (new["id"], new["host"], new["command"]) == (row["id"], row["host"], row["command"])


def test_a_token_is_refused_once_another_environment_has_taken_a_port(workshop):
    plan = workshop.cluster.ask("env_plan", workflow="fairmq-ex-1-n-1", vars={"processors": 2})
    other = workshop.create("fairmq-ex-copypush")
    with pytest.raises(PlanError, match="have changed since the plan was made") as refused:
        workshop.cluster.ask("env_create", plan=plan["token"])
    assert "ports" in str(refused.value) or "would go to" in str(refused.value)
    assert [each["id"] for each in workshop.cluster.ask("env_list")] == [other["id"]]


def test_a_token_is_refused_once_a_template_has_changed(workshop):
    workshop.task("speaker", "o2-device", "sampler", "--text=yes")
    plan = workshop.cluster.ask("env_plan", workflow=workshop.workflow("opinion", "speaker"))
    workshop.task("speaker", "o2-device", "sampler", "--text=no")
    with pytest.raises(PlanError, match=r"opinion\.role0"):
        workshop.cluster.ask("env_create", plan=plan["token"])
    assert workshop.cluster.ask("env_list") == []
    workshop.created.pop()


def test_a_token_of_a_change_is_refused_once_the_environment_has_changed(workshop):
    made = workshop.create("fairmq-ex-1-n-1", processors=1)
    plan = workshop.cluster.ask("env_plan", id=made["id"], scale={"processor": 2})
    workshop.cluster.ask("env_modify", id=made["id"], scale={"processor": 3})
    with pytest.raises(PlanError, match="have changed since the plan was made"):
        workshop.cluster.ask("env_modify", plan=plan["token"])
    assert len(workshop.show(made)["tasks"]) == 5


def test_a_token_is_refused_by_another_request_than_its_own(workshop):
    made = workshop.create("fairmq-ex-1-n-1", processors=1)
    change = workshop.cluster.ask("env_plan", id=made["id"], scale={"processor": 2})
    with pytest.raises(InvalidRequestError, match="env_modify"):
        workshop.cluster.ask("env_create", plan=change["token"])
    creation = workshop.cluster.ask("env_plan", workflow="fairmq-ex-copypush")
    with pytest.raises(O2Error):
        workshop.cluster.ask("env_modify", plan=creation["token"])


def test_a_token_with_other_arguments_is_refused(workshop):
    plan = workshop.cluster.ask("env_plan", workflow="fairmq-ex-copypush")
    with pytest.raises(InvalidRequestError, match="remove the other arguments"):
        workshop.cluster.ask("env_create", plan=plan["token"], vars={"rate": "5"})
    assert workshop.cluster.ask("env_list") == []


@pytest.mark.parametrize(
    "asked",
    [{}, {"destroy": True, "workflow": "fairmq-ex-copypush"}, {"workflow": "x", "id": "y"}],
    ids=["nothing", "the end of a workflow", "both"],
)
def test_a_plan_without_a_workflow_and_without_a_change_is_refused(workshop, asked):
    with pytest.raises(InvalidRequestError, match="give a workflow"):
        workshop.cluster.ask("env_plan", **asked)


def test_an_unknown_token_is_refused(workshop):
    with pytest.raises(InvalidRequestError, match="made-up"):
        workshop.cluster.ask("env_create", plan="made-up")


def test_a_plan_names_every_reason_why_its_creation_would_fail(workshop):
    workshop.task("huge", "o2-device", "sink", wants={"cpu": 1000, "memory": 1})
    workshop.task("exotic", "o2-device", "sink", constraints=[{"attribute": "detector", "value": "XYZ"}])
    with pytest.raises(O2Error) as refused:
        workshop.cluster.ask("env_plan", workflow=workshop.workflow("doomed", "huge", "exotic"))
    for fact in ("doomed.role0", "cpu", "doomed.role1", "XYZ"):
        assert fact in str(refused.value)


def test_the_plan_of_an_end_shows_what_would_end_and_ends_nothing(workshop):
    made = workshop.create("fairmq-ex-1-n-1", processors=2)
    plan = workshop.cluster.ask("env_plan", id=made["id"], destroy=True)
    assert (plan["action"], plan["summary"]) == ("destroy", {"stop": 4})
    assert {row["path"] for row in plan["changes"]} == {task["path"] for task in made["tasks"]}
    assert identities(workshop.show(made)) == identities(made)


def test_a_person_plans_applies_and_changes_with_coconut(workshop):
    run, json = workshop.cluster.run, workshop.cluster.json
    text = run("coconut", "env", "plan", "-w", "fairmq-ex-1-n-1", "--scale", "processor=2").stdout
    assert "+ start        diamond.processors.processor1" in text
    assert "in all: 4 to start" in text
    token = text.rpartition("--plan ")[2].strip()
    made = json("coconut", "env", "create", "--plan", token)
    text = run("coconut", "env", "plan", made["id"], "--exclude", "diamond.processors.processor0").stdout
    assert "x exclude      diamond.processors.processor0" in text
    changed = json("coconut", "env", "modify", made["id"], "--exclude", "diamond.processors.processor0")
    assert changed["excluded"] == {"diamond.processors.processor0": "excluded on request"}
    text = run("coconut", "env", "show", made["id"], "-w").stdout
    assert "processor0 → task" in text
    assert "(excluded)" in text


def test_salt_run_plans_and_applies_as_well(workshop):
    words = ("workflow=fairmq-ex-1-n-1", "scale={processor: 2}")
    assert "in all: 4 to start" in workshop.cluster.run("salt-run", "o2.env_plan", *words).stdout
    plan = workshop.cluster.json("salt-run", "o2.env_plan", *words)
    made = workshop.cluster.json("salt-run", "o2.env_create", f"plan={plan['token']}")
    out = workshop.cluster.json(
        "salt-run", "o2.env_modify", made["id"], "exclude=diamond.processors.processor1", "reason=test"
    )
    assert out["excluded"] == {"diamond.processors.processor1": "test"}
    assert paths(out) == paths(made)
