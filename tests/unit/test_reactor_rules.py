"""The rules of reactor/: wired or said not to be, and calling what exists."""

import getpass
import json
import re
import subprocess
from pathlib import Path

import pytest
import salt.config
import salt.loader
import salt.template
import yaml

ROOT = Path(__file__).resolve().parents[2]
REACTOR = ROOT / "reactor"
SETS = {name: (REACTOR / name).read_text() for name in ("rules.conf", "host_rules.conf")}
WIRED = {
    tag: [Path(rule).name for rule in rules]
    for text in SETS.values()
    for line in yaml.safe_load(text)["reactor"]
    for tag, rules in line.items()
}
NAMED = {name for text in SETS.values() for name in re.findall(r"/srv/reactor/o2/(\w+\.sls)", text)}
EVENTS = {
    "disk_full.sls": {"id": "flp1", "diskusage": 95.0, "mount": "/"},
    "minion_start.sls": {"id": "flp1", "cmd": "_minion_event"},
    "task_died.sls": {"environment": "2oDv", "task": "5nGc"},
    "host_lost.sls": {"lost": ["flp1", "flp2"], "new": []},
    "host_returned.sls": {"lost": [], "new": ["flp1"]},
    "your_own.sls": {"environment": "2oDv"},
}
"""An event for each rule."""


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """Render a rule as Salt's reactor does; return its reactions by their ids."""
    home = tmp_path_factory.mktemp("master")
    options = {"root_dir": str(home), "user": getpass.getuser(), "id": "o2_master", "file_client": "local"}
    (home / "master").write_text(json.dumps(options))
    opts = salt.config.master_config(str(home / "master"))
    renderers = salt.loader.render(opts, {})

    def render(rule, tag="", **event):
        data = {**EVENTS[rule], **event}
        words = (renderers, opts["renderer"], opts["renderer_blacklist"], opts["renderer_whitelist"])
        return salt.template.compile_template(str(REACTOR / rule), *words, tag=tag, data=data) or {}

    return render


def functions_of(runner):
    files = (ROOT / "runners").glob(f"{runner}*.py")
    return {
        name for file in files for name in re.findall(r"^def ([a-z]\w*)\(", file.read_text(), re.MULTILINE)
    }


def test_every_rule_is_named_in_the_set_or_is_the_model_for_ones_own():
    assert {path.name for path in REACTOR.glob("*.sls")} == NAMED | {"your_own.sls"}


@pytest.mark.parametrize("rule", sorted(EVENTS))
def test_each_rule_has_an_explanation_and_renders_to_reactions(rendered, rule):
    assert (REACTOR / rule).read_text().startswith("# ")
    reactions = rendered(rule)
    assert reactions
    for reaction in reactions.values():
        ((function, arguments),) = reaction.items()
        assert function.split(".")[0] in ("local", "runner")
        keys = {key for argument in arguments for key in argument}
        assert "args" in keys
        assert function.startswith("runner.") or "tgt" in keys


@pytest.mark.parametrize("rule", sorted(name for rules in WIRED.values() for name in rules))
def test_every_reaction_of_a_rule_calls_an_existing_function(rendered, rule):
    for reaction in rendered(rule).values():
        for function in reaction:
            kind, module, name = function.split(".")
            if (kind, module) == ("runner", "o2"):
                assert name in functions_of("o2")


EVIL = [
    "$(touch MARK)",
    '"; touch MARK; echo "',
    "`touch MARK`",
    "'; touch MARK #",
    "\n- tgt: '*'",
    "{{ 7 * 7 }}",
    "x: y",
]


@pytest.mark.finding("1.14")
@pytest.mark.parametrize("text", EVIL)
def test_words_of_an_event_are_never_part_of_a_command(rendered, tmp_path, text):
    """The command of the example for sites, run by a shell as Salt runs it, with `echo` for `wall`."""
    ((reaction,),) = [rendered("your_own.sls", environment=text).values()]
    given = {key: value for each in reaction["local.cmd.run"] for key, value in each.items()}
    arguments = {key: value for each in given["args"] for key, value in each.items()}
    (environ,) = arguments["env"]
    command = arguments["cmd"].replace("wall", "echo", 1)
    done = subprocess.run(
        command, shell=True, env=environ, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"Salt O2 environment {text} is in ERROR\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", EVIL)
def test_words_of_an_event_stay_in_their_argument(rendered, text):
    ((reaction,),) = [rendered("task_died.sls", environment=text, task=text).values()]
    expected = [{"environment": text}, {"task": text}, {"by_rule": True}]
    assert reaction == {"runner.o2.task_recover": [{"args": expected}]}


@pytest.mark.finding("1.13")
@pytest.mark.parametrize("rule", sorted(name for rules in WIRED.values() for name in rules))
def test_no_rule_gives_an_order_on_the_word_of_an_event(rendered, rule):
    """What rules call looks first: control asks before it believes that a host or a task is lost."""
    calls = {function for reaction in rendered(rule).values() for function in reaction}
    hints = {"runner.o2.task_recover", "runner.o2.host_lost", "runner.o2.host_returned"}
    assert calls <= hints | {"local.state.apply", "local.cmd.run"}
    assert "sure" not in json.dumps(rendered(rule))


def test_all_hosts_of_an_event_are_one_reaction(rendered):
    ((reaction,),) = [rendered("host_lost.sls").values()]
    assert reaction == {"runner.o2.host_lost": [{"args": [{"hosts": ["flp1", "flp2"]}]}]}


@pytest.mark.parametrize("rule", ["host_lost.sls", "host_returned.sls"])
def test_a_rule_does_nothing_if_no_minion_came_or_went(rendered, rule):
    assert not rendered(rule, lost=[], new=[])


HOST_RULES = ["disk_full.sls", "minion_start.sls"]
CHANGES = {"make_room_on_a_full_disk": "vacuum", "bring_a_started_host_into_line": "apply"}
"""What pillar of the host must say before these reactions reach it."""


def test_rules_that_change_machines_are_not_in_the_default_set():
    assert not [rule for rule in HOST_RULES if rule in SETS["rules.conf"]]


@pytest.mark.parametrize("rule", HOST_RULES)
def test_a_rule_about_a_machine_reaches_the_host_that_its_own_pillar_names_and_no_other(rendered, rule):
    for name, reaction in rendered(rule).items():
        ((_, arguments),) = reaction.items()
        given = {key: value for argument in arguments for key, value in argument.items()}
        assert given["tgt_type"] == "compound"
        assert given["tgt"].startswith("L@flp1 and I@o2:hosts:flp1 and ")
        test = {key: value for each in given["args"] for key, value in each.items()}.get("test")
        wanted = CHANGES.get(name)
        assert (
            given["tgt"].endswith(f":{wanted}")
            if wanted
            else (test is True and " and not I@" in given["tgt"])
        )


@pytest.mark.parametrize("rule", HOST_RULES)
@pytest.mark.parametrize(
    "id",
    ["*", "flp1 or *", "flp1,flp2", "flp*", "", " ", "G@os:Debian", "flp1\n", "-x", None, 3.5, ["*"], "x'y"],
)
def test_an_event_cannot_widen_the_target_of_a_rule(rendered, rule, id):
    for reaction in rendered(rule, id=id).values():
        ((_, arguments),) = reaction.items()
        (target,) = [argument["tgt"] for argument in arguments if "tgt" in argument]
        assert target.startswith(f"L@{id} and I@o2:hosts:{id} and ")
        assert re.fullmatch(r"[A-Za-z0-9_.-]+", str(id))
