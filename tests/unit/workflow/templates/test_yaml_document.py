"""YAML as nodes that remember their line: what is read, and what is refused."""

from contextlib import suppress

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.core.errors import TemplateError
from salt_o2.workflow.templates import yaml_document
from salt_o2.workflow.templates.yaml_document import Mapping, Scalar, Sequence, read


def plain(node):
    match node:
        case Scalar():
            return node.value
        case Sequence():
            return [plain(item) for item in node.items]
        case Mapping():
            return {key: plain(value) for key, value in node.entries.items()}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", "true"),
        ("True", "true"),
        ("FALSE", "false"),
        ("'True'", "True"),
        ("yes", "yes"),
        ("12", "12"),
        ("0010", "0010"),
        ("1.50", "1.50"),
        ("1e3", "1e3"),
        ("~", ""),
        ("null", ""),
        ("'null'", "null"),
        ("2026-11-22", "2026-11-22"),
        ("Überwachung", "Überwachung"),
    ],
)
def test_every_scalar_is_the_text_that_was_written(written, value):
    assert plain(read(f"x: {written}", "f")) == {"x": value}


def test_nodes_know_the_line_they_stand_in():
    root = read("a: 1\nb:\n  - c\n  - d: e\n", "f.yaml")
    assert str(root.entries["b"].items[1].entries["d"].place) == "f.yaml:4"
    assert root.places["b"].line == 2


def test_written_keys_override_merged_keys_of_an_anchor():
    text = "base: &base {x: 1, y: 2}\nuse: {y: 3, <<: *base}\nagain: {<<: [*base, {z: 4}], x: 5}\n"
    assert plain(read(text, "f"))["use"] == {"y": "3", "x": "1"}
    assert plain(read(text, "f"))["again"] == {"x": "5", "y": "2", "z": "4"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("# nothing\n", "empty"),
        ("a: b: c", "f:1: not YAML"),
        ("a: [1", "not YAML"),
        ("a: 1\nb: 2\na: 3", "f:3: the key a is given twice, first in line 1"),
        ("a: 1\n---\nb: 2", "f:2: a second document"),
        ("a: *missing", r"the alias \*missing names nothing above it"),
        ("a: &me [*me]", r"the alias \*me stands inside what it names"),
        ("? [a]\n: b", "a list cannot be a key"),
        ("a: {<<: 3}", "<< takes a mapping"),
        ("a: \x07", "not YAML"),
        ("[" * 100_000, "nested more than 100 levels deep"),
        ("{a: " * 5_000, "nested more than 100 levels deep"),
    ],
    ids=lambda text: text[:12] or "nothing",
)
def test_a_text_that_is_not_one_valid_document_is_refused(text, reason):
    with pytest.raises(TemplateError, match=reason):
        read(text, "f")


def test_multiplying_aliases_are_refused_before_they_are_expanded():
    levels = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9))
    with pytest.raises(TemplateError, match="aliases counted where they are used"):
        read(f"a0: &a0 [x]\n{levels}\n", "f")


def test_a_file_beyond_five_megabytes_is_refused():
    with pytest.raises(TemplateError, match=r"f: larger than 5,000,000 bytes"):
        read("x" * 5_000_001, "f")


@given(st.text())
def test_no_text_makes_the_parser_fail_in_another_way(text):
    with suppress(TemplateError):
        read(text, "f")


texts = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20)
trees = st.recursive(
    texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts.filter("<<".__ne__), inner, max_size=4),
)


@settings(max_examples=300)
@given(trees)
def test_a_document_of_pyyaml_is_read_back(tree):
    assert plain(read(yaml.safe_dump(tree, allow_unicode=True, default_style='"'), "f")) == tree


def test_the_pure_python_parser_gives_the_same(monkeypatch):
    text = "a: &x [1, true, 'q']\nb: {c: *x, <<: {d: ~}}\n"
    fast = plain(read(text, "f"))
    monkeypatch.setattr(yaml_document, "_LOADER", yaml.SafeLoader)
    assert plain(read(text, "f")) == fast
