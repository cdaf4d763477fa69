"""A user learns of variables that nothing reads, in a plan and in the answers to create and modify."""

from salt_o2.presentation import environments, plans
from salt_o2.presentation.autodetect import render
from tests.support.builders.repositories import repository
from tests.support.harness.control import control_harness, on_a_loop

TYPO = "variable copis: nothing in workflow farm reads it (did you mean copies?)"


@on_a_loop
async def test_a_plan_names_variables_that_nothing_reads(tmp_path):
    async with control_harness(repository(tmp_path)) as room:
        plan = await room.ask("env_plan", workflow="farm", vars={"copis": 4, "rate": 2, "recovery": "stop"})
        assert plan["warnings"] == [TYPO]
        assert f"warning: {TYPO}" in plans.plan(plan)


@on_a_loop
async def test_the_answer_to_a_creation_names_them(tmp_path):
    async with control_harness(repository(tmp_path)) as room:
        made = await room.ask("env_create", workflow="farm", vars={"copis": 4})
        assert made["warnings"] == [TYPO]
        assert TYPO in environments.created(made)
        clean = await room.ask("env_create", workflow="farm", vars={"copies": 1})
        assert clean["warnings"] == []
        assert "warning" not in environments.created(clean)


@on_a_loop
async def test_a_modification_names_only_the_variables_of_this_request(tmp_path):
    async with control_harness(repository(tmp_path)) as room:
        made = await room.ask("env_create", workflow="farm", vars={"copis": 4})
        again = await room.ask("env_modify", id=made["id"], vars={"copies": 1})
        assert again["warnings"] == []
        wrong = await room.ask("env_modify", id=made["id"], vars={"rte": 1})
        assert wrong["warnings"] == ["variable rte: nothing in workflow farm reads it (did you mean rate?)"]
        assert "did you mean rate?" in environments.modified(wrong, 0.1)
        plan = await room.ask("env_plan", id=made["id"], vars={"rte": 1})
        assert len(plan["warnings"]) == 1


@on_a_loop
async def test_the_variables_of_a_workflow_are_shown_with_their_readers(tmp_path):
    async with control_harness(repository(tmp_path)) as room:
        shown = await room.ask("workflow_show", workflow="farm")
        rate = next(each for each in shown["variables"] if each["name"] == "rate")
        assert (rate["default"], rate["read"]) == ("1", ["tasks/leaf.yaml:5"])
        text = render(shown)
        assert "rate = 1\n    type: string\n    read by tasks/leaf.yaml:5" in text
