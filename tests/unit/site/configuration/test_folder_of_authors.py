"""A directory of configuration that authors may write: control reads and writes inside it alone."""

import ctypes
import os
import threading
import time

import pytest

from salt_o2.core.errors import InvalidRequestError
from salt_o2.site.configuration import tree_backends
from salt_o2.site.configuration.tree_backends import Folder

AT_FDCWD, RENAME_EXCHANGE = -100, 2
PUTS = 300


def exchange(first, second):
    """Exchange two names at once, as an author can (renameat2(2))."""
    ctypes.CDLL(None).renameat2(AT_FDCWD, bytes(first), AT_FDCWD, bytes(second), RENAME_EXCHANGE)


@pytest.mark.finding("X27")
def test_no_link_that_an_author_exchanges_leads_a_write_out(tmp_path):
    secret, runtime = tmp_path / "secret", tmp_path / "config" / "runtime"
    secret.mkdir()
    (runtime / "x").mkdir(parents=True)
    (runtime / "y").symlink_to(secret)
    over = threading.Event()

    def swap():
        while not over.is_set():
            exchange(runtime / "x", runtime / "y")

    author = threading.Thread(target=swap)
    author.start()
    written = 0
    try:
        for _ in range(PUTS):
            try:
                Folder(tmp_path / "config").put("o2/runtime/x/cron", "text")
                written += 1
            except InvalidRequestError:
                continue
            finally:
                time.sleep(0)
    finally:
        over.set()
        author.join()
    assert list(secret.iterdir()) == []
    assert {path.name for path in runtime.rglob("*") if path.is_file()} <= {"cron"}


@pytest.mark.parametrize("key", ["o2/runtime/x/k", "o2/runtime/x/deep/k"])
def test_a_link_on_the_way_of_a_write_is_refused(tmp_path, key):
    (tmp_path / "out").mkdir()
    (tmp_path / "config" / "runtime").mkdir(parents=True)
    (tmp_path / "config" / "runtime" / "x").symlink_to(tmp_path / "out")
    with pytest.raises(InvalidRequestError, match="leads out"):
        Folder(tmp_path / "config").put(key, "v")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_value_that_is_written_is_read_again_and_no_other_file_stays(tmp_path):
    folder = Folder(tmp_path / "config")
    for value in ("first", "second"):
        folder.put("o2/runtime/x/k", value)
        assert folder.get("o2/runtime/x/k") == value
    assert [path.name for path in (tmp_path / "config").rglob("*")] == ["runtime", "x", "k"]


BOMBS = {
    "mappings": [
        "a0: &a0 {k: v}",
        *(f"a{n}: &a{n} {{{', '.join(f'k{i}: *a{n - 1}' for i in range(10))}}}" for n in range(1, 10)),
    ],
    "lists": ["a0: &a0 [v]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10))],
    "merges": [
        "a0: &a0 {k: v}",
        *(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 10)),
    ],
    "itself": ["a: &a [*a]"],
}


@pytest.mark.finding("X28")
@pytest.mark.parametrize("lines", BOMBS.values(), ids=BOMBS)
def test_yaml_aliases_that_expand_beyond_the_limit_are_refused(tmp_path, lines):
    (tmp_path / "components").mkdir()
    (tmp_path / "components" / "qc.yaml").write_text("\n".join(lines))
    with pytest.raises(InvalidRequestError, match=r"qc.yaml: .*more than 200,000 entries"):
        Folder(tmp_path).get("o2/components/qc/x")


def test_aliases_and_merges_that_are_small_are_read(tmp_path):
    (tmp_path / "components").mkdir()
    (tmp_path / "components" / "qc.yaml").write_text("b: &b {k: v}\nc: {<<: *b, l: *b}\n")
    (tmp_path / "components" / "none.yaml").write_text("")
    folder = Folder(tmp_path)
    assert folder.get("o2/components/qc/c/k") == "v"
    assert folder.get("o2/components/qc/c/l/k") == "v"


def folder_with(tmp_path, texts):
    """Write YAML files of components that were last changed a minute ago."""
    (tmp_path / "components").mkdir(exist_ok=True)
    for name, text in texts.items():
        file = tmp_path / "components" / f"{name}.yaml"
        file.write_text(text)
        os.utime(file, (time.time() - 60,) * 2)
    return Folder(tmp_path)


@pytest.fixture
def parsed(monkeypatch):
    """Return the list of the texts that were parsed as YAML."""
    texts = []
    read = tree_backends._read_tree
    monkeypatch.setattr(tree_backends, "_read_tree", lambda text: texts.append(text) or read(text))
    return texts


@pytest.mark.finding("A17")
@pytest.mark.parametrize("text", ["k: 1\n" * 10, "a: b: c", "[" * 1_000, "a: &a [*a]"])
def test_a_read_of_one_component_reads_no_file_of_another(tmp_path, parsed, text):
    folder = folder_with(tmp_path, {"qc": "ANY: {any: {k: v}}", "other": text})
    assert folder.get("o2/components/qc/ANY/any/k") == "v"
    assert folder.get("o2/components/qc/ANY/any/none") is None
    assert folder.keys("o2/components/qc") == ["o2/components/qc/ANY/any/k"]
    assert set(parsed) == {"ANY: {any: {k: v}}"}


@pytest.mark.finding("A17")
def test_a_file_is_parsed_once_until_it_changes(tmp_path, parsed):
    folder = folder_with(tmp_path, {"qc": "k: v", "bad": "a: b: c"})
    for _ in range(3):
        assert folder.get("o2/components/qc/k") == "v"
        with pytest.raises(InvalidRequestError, match=r"bad.yaml: not YAML"):
            folder.get("o2/components/bad/a")
    assert sorted(parsed) == ["a: b: c", "k: v"]
    folder_with(tmp_path, {"qc": "k: w", "bad": "a: fine"})
    assert (folder.get("o2/components/qc/k"), folder.get("o2/components/bad/a")) == ("w", "fine")


def test_a_file_that_was_just_written_is_read_again_at_each_read(tmp_path):
    (tmp_path / "components").mkdir()
    folder = Folder(tmp_path)
    for value in "abcdef" * 10:
        (tmp_path / "components" / "qc.yaml").write_text(f"k: {value}")
        assert folder.get("o2/components/qc/k") == value


@pytest.mark.finding("A17")
def test_a_file_that_cannot_be_read_is_one_key_and_hides_no_other(tmp_path):
    folder = folder_with(tmp_path, {"bad": "a: b: c", "qc": "k: v"})
    assert folder.keys("o2/components") == ["o2/components/bad", "o2/components/qc/k"]
    with pytest.raises(InvalidRequestError, match=r"bad.yaml: not YAML"):
        folder.keys("o2/components/bad")


TOO_LARGE = {
    "entries": ("- a\n" * 200_001, "more than 200,000 entries"),
    "nested": ("[" * 101 + "]" * 101, "nested more than 100 levels"),
    "long texts by aliases": (f"a: &a {'x' * 100_000}\nb: [{'*a, ' * 1_000}]", "20,000,000 characters"),
    "long keys by aliases": (f"a: &a {{k: v}}\n? {'x' * 5_000}\n: *a", "a key of more than 4,096 characters"),
    "texts under long keys": (
        f"a: &a {{{', '.join(f'k{n}: v' for n in range(500))}}}\n? {'y' * 4_000}\n: {{"
        + ", ".join(f"k{n}: *a" for n in range(100))
        + "}",
        "20,000,000 characters",
    ),
    "a set": ("a: !!set {x, y}", "set"),
}


@pytest.mark.finding("A17")
@pytest.mark.parametrize(("text", "why"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_yaml_file_beyond_a_limit_is_refused(tmp_path, text, why):
    with pytest.raises(InvalidRequestError, match=f"qc.yaml: .*{why}"):
        folder_with(tmp_path, {"qc": text}).get("o2/components/qc/a")


@pytest.mark.finding("A17")
def test_a_very_long_number_of_base_60_is_a_text(tmp_path):
    number = "1" + ":1" * 100_000
    folder = folder_with(tmp_path, {"qc": f"k: {number}\nn: 1:30\ndate: 2026-01-01\n"})
    assert folder.get("o2/components/qc/k") == number
    assert folder.get("o2/components/qc/n") == "90"
    assert folder.get("o2/components/qc/date") == "2026-01-01"


@pytest.mark.finding("A17")
def test_a_folder_with_too_many_files_is_refused_and_other_folders_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(tree_backends, "MOST_FILES", 3)
    folder = folder_with(tmp_path, {f"c{n}": "k: v" for n in range(4)})
    (tmp_path / "hardware").mkdir()
    (tmp_path / "hardware" / "detectors.yaml").write_text("TST: {flps: {flp1: x}}")
    with pytest.raises(InvalidRequestError, match="more than 3 files"):
        folder.keys("o2/components")
    assert folder.keys("o2/hardware") == ["o2/hardware/detectors/TST/flps/flp1"]
    assert folder.get("o2/components/c3/k") == "v"


def test_the_file_with_the_longest_name_takes_precedence(tmp_path):
    folder = folder_with(tmp_path, {"qc": "ANY: {any: {k: outer, l: outer}}"})
    (tmp_path / "components" / "qc").mkdir()
    (tmp_path / "components" / "qc" / "ANY.yaml").write_text("any: {k: inner}")
    assert folder.get("o2/components/qc/ANY/any/k") == "inner"
    assert folder.get("o2/components/qc/ANY/any/l") == "outer"
    assert folder.keys("o2/components/qc/ANY") == [f"o2/components/qc/ANY/any/{key}" for key in "kl"]


def test_stored_files_are_bounded_in_memory(tmp_path, monkeypatch, parsed):
    monkeypatch.setattr(tree_backends, "STORED_CHARACTERS", 50)
    folder = folder_with(tmp_path, dict.fromkeys(("a", "b", "c"), "k: v"))
    for name in ("a", "b", "c", "c", "a"):
        assert folder.get(f"o2/components/{name}/k") == "v"
    assert len(parsed) == 4, "a was dropped for c, and c was stored"
