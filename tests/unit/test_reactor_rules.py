"""The rules of reactor/: wired or said not to be, and calling what exists."""

import re
from pathlib import Path

import jinja2
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
REACTOR = ROOT / "reactor"
CONF = (REACTOR / "rules.conf").read_text()
WIRED = {
    tag: [Path(rule).name for rule in rules]
    for line in yaml.safe_load(CONF)["reactor"]
    for tag, rules in line.items()
}
NAMED = set(re.findall(r"/srv/reactor/o2/(\w+\.sls)", CONF))
EVENTS = {
    "beam_dump.sls": {"reason": 'beam "dump"'},
    "disk_full.sls": {"id": "flp1", "diskusage": 95.0, "mount": "/"},
    "minion_start.sls": {"id": "flp1", "cmd": "_minion_event"},
    "task_died.sls": {"environment": "2oDv", "task": "5nGc"},
    "host_lost.sls": {"lost": ["flp1", "flp2"], "new": []},
    "host_returned.sls": {"lost": [], "new": ["flp1"]},
    "your_own.sls": {"environment": "2oDv"},
}
"""An event for each rule."""


def rendered(rule):
    """The reactions that a rule comes to, by their ids."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    environment.filters["yaml_dquote"] = lambda text: yaml.safe_dump(
        str(text), default_style='"', width=10**6
    ).strip()
    text = environment.from_string((REACTOR / rule).read_text()).render(data=EVENTS[rule], tag="")
    return yaml.safe_load(text)


def functions_of(runner):
    files = (ROOT / "runners").glob(f"{runner}*.py")
    return {
        name for file in files for name in re.findall(r"^def ([a-z]\w*)\(", file.read_text(), re.MULTILINE)
    }


def test_every_rule_is_named_in_the_set_or_is_the_model_for_ones_own():
    assert {path.name for path in REACTOR.glob("*.sls")} == NAMED | {"your_own.sls"}


@pytest.mark.parametrize("rule", sorted(EVENTS))
def test_a_rule_is_explained_and_comes_to_reactions_with_named_arguments(rule):
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
def test_what_is_wired_calls_functions_that_exist(rule):
    for reaction in rendered(rule).values():
        for function in reaction:
            kind, module, name = function.split(".")
            if (kind, module) == ("runner", "o2"):
                assert name in functions_of("o2")


def test_words_of_an_event_cannot_break_out_of_their_argument():
    ((reaction,),) = [rendered("beam_dump.sls").values()]
    assert reaction == {"runner.o2.run_stop": [{"args": [{"all": True}, {"reason": 'beam "dump"'}]}]}


def test_all_hosts_of_an_event_are_one_reaction():
    ((reaction,),) = [rendered("host_lost.sls").values()]
    assert reaction == {"runner.o2.host_lost": [{"args": [{"hosts": ["flp1", "flp2"]}]}]}


@pytest.mark.parametrize("rule", ["host_lost.sls", "host_returned.sls"])
def test_where_nobody_came_or_went_nothing_is_done(monkeypatch, rule):
    monkeypatch.setitem(EVENTS, rule, {"lost": [], "new": []})
    assert not rendered(rule)
