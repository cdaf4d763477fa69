"""A directory of configuration that authors may write: control reads and writes inside it alone."""

import ctypes
import threading
import time

import pytest

from salt_o2.core.errors import InvalidRequestError
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
