"""Plans and the answers to create and modify warn of variables that nothing reads or no form offers."""

from salt_o2.presentation import environments, plans
from salt_o2.presentation.autodetect import render
from tests.support.builders.repositories import repository
from tests.support.harness.control import control_harness, on_a_loop

CHOICE = 'rate: !public {value: "1", widget: dropDownBox, values: ["1", "2"]}'
NOT_OFFERED = "variable rate: '3' is none of the values that its form offers: 1, 2"
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
async def test_a_value_that_no_form_offers_is_used_with_a_warning(tmp_path):
    folder = repository(tmp_path)
    file = folder / "workflows" / "farm.yaml"
    file.write_text(file.read_text().replace('rate: "1"', CHOICE))
    async with control_harness(folder) as room:
        plan = await room.ask("env_plan", workflow="farm", vars={"rate": 3})
        assert plan["warnings"] == [NOT_OFFERED]
        made = await room.ask("env_create", plan=plan["token"])
        assert (made["warnings"], made["vars"]["rate"]) == ([], "3")
        made = await room.ask("env_create", workflow="farm", vars={"rate": 3})
        assert NOT_OFFERED in environments.created(made)
        assert made["vars"]["rate"] == "3"
        again = await room.ask("env_modify", id=made["id"], vars={"copies": 1})
        assert again["warnings"] == []
        offered = await room.ask("env_modify", id=made["id"], vars={"rate": 2})
        assert offered["warnings"] == []


@on_a_loop
async def test_the_variables_of_a_workflow_are_shown_with_their_readers(tmp_path):
    async with control_harness(repository(tmp_path)) as room:
        shown = await room.ask("workflow_show", workflow="farm")
        rate = next(each for each in shown["variables"] if each["name"] == "rate")
        assert (rate["default"], rate["read"]) == ("1", ["tasks/leaf.yaml:5"])
        text = render(shown)
        assert "rate = 1\n    type: string\n    read by tasks/leaf.yaml:5" in text
