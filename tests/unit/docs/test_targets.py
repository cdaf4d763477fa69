"""No text of the project has a user give an order to all minions of a master, which may have foreign ones."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = (
    "docs",
    "states",
    "reactor",
    "pillar",
    "modules",
    "runners",
    "salt_o2",
    "vagrant",
    "tests/provision",
)
FILES = sorted(
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".md", ".sls", ".conf", ".yaml", ".jinja", ".py", ".sh", "") and path.is_file()
)
TO_ALL = re.compile(r"""\bsalt (?:-[-\w]+(?:[ =]\d[\d%]*)? )*(?:'\*'|"\*"|\\\*)(?= )""")
"""An order of `salt` to every minion, with options before the target."""


@pytest.mark.parametrize(
    "text", ["salt '*' test.ping", "salt -t 120 --batch-size 10% '*' x.y", r"salt \* x.y"]
)
def test_an_order_to_all_minions_is_recognised(text):
    assert TO_ALL.search(text)


@pytest.mark.parametrize("text", ["salt -I 'o2:hosts:*' x.y", "salt -L flp1,flp2 x.y", "salt 'flp1' x.y"])
def test_an_order_to_named_minions_is_no_order_to_all_minions(text):
    assert not TO_ALL.search(text)


def test_no_text_gives_an_order_to_all_minions():
    said = {path: TO_ALL.search(path.read_text(errors="replace")) for path in (*FILES, ROOT / "README.md")}
    assert {str(path.relative_to(ROOT)): found[0] for path, found in said.items() if found} == {}


@pytest.mark.parametrize("rule", sorted((ROOT / "reactor").glob("*.sls")), ids=lambda path: path.name)
def test_no_rule_targets_all_minions(rule):
    targets = re.findall(r"^\s+- tgt: (.+)$", rule.read_text(), re.MULTILINE)
    assert not [
        target for target in targets if yaml.safe_load(target.replace("{{", "x").replace("}}", "x")) == "*"
    ]
