"""A follower of a task's output gets new lines when they are written, and not before."""

import asyncio

import pytest

from salt_o2.agent.storage import output_follow
from salt_o2.agent.storage.task_directory import TaskDirectory
from salt_o2.linux import inotify
from salt_o2.linux.inotify import DirectoryWatch

LONG_S = 60.0
START = {"stdout": 0, "stderr": 0}


@pytest.fixture
def home(tmp_path):
    """The folder of a task that has written no output yet."""
    folder = tmp_path / "tasks" / "readout"
    folder.mkdir(parents=True)
    for name in ("stdout", "stderr"):
        (folder / name).touch()
    return TaskDirectory(folder)


def write(home, text, name="stdout"):
    with (home.folder / name).open("a") as file:
        file.write(text)


async def heard_after(home, event, after=START, wait_s=LONG_S, find=None):
    """Return what a follower hears that waits already when ``event`` happens."""
    following = asyncio.create_task(output_follow.follow_output(find or (lambda: home), after, wait_s))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not following.done()
    event()
    async with asyncio.timeout(LONG_S / 2):
        return await following


def test_existing_output_is_returned_at_once(home):
    write(home, "one\ntwo\n")
    heard = asyncio.run(output_follow.follow_output(lambda: home, START, LONG_S))
    assert heard == {"stdout": ["one", "two"], "stderr": [], "at": {"stdout": 8, "stderr": 0}}


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_waiting_follower_gets_new_output(home, name):
    heard = asyncio.run(heard_after(home, lambda: write(home, "news\n", name)))
    assert (heard[name], heard["at"][name]) == (["news"], 5)


def test_an_incomplete_line_does_not_end_the_wait_for_output(home):
    def scene():
        write(home, "ha")
        asyncio.get_running_loop().call_later(0.3, write, home, "lf\n")

    assert asyncio.run(heard_after(home, lambda: scene()))["stdout"] == ["half"]


def test_without_new_output_the_answer_is_empty_when_the_time_is_over(home):
    write(home, "old\n")
    heard = asyncio.run(output_follow.follow_output(lambda: home, {"stdout": 4, "stderr": 0}, 0.05))
    assert heard == {"stdout": [], "stderr": [], "at": {"stdout": 4, "stderr": 0}}


def test_a_follower_does_not_wait_for_a_finished_task(home, tmp_path):
    """Its folder is moved among the old ones; its last output is read there."""
    archive_directory = TaskDirectory(tmp_path / "old" / "readout")
    archive_directory.folder.parent.mkdir()

    def archive():
        write(home, "last words\n")
        home.folder.rename(archive_directory.folder)

    def find():
        return archive_directory if archive_directory.folder.exists() else home

    assert asyncio.run(heard_after(home, archive, find=find))["stdout"] == ["last words"]


def test_a_follower_does_not_wait_for_a_task_that_ends_without_output(home, tmp_path):
    archive_directory = TaskDirectory(tmp_path / "readout")
    find = lambda: archive_directory if archive_directory.folder.exists() else home  # noqa: E731
    heard = asyncio.run(heard_after(home, lambda: home.folder.rename(archive_directory.folder), find=find))
    assert heard["stdout"] == heard["stderr"] == []


def test_the_last_lines_have_the_place_of_their_end(home):
    write(home, "one\ntwo\nthree\n")
    heard = output_follow.read_tail(home, 2)
    assert heard == {"stdout": ["two", "three"], "stderr": [], "at": {"stdout": 14, "stderr": 0}}


def test_files_are_not_read_while_the_task_writes_nothing(home, monkeypatch):
    reads = []
    since = output_follow.output_files.since
    monkeypatch.setattr(
        output_follow.output_files, "since", lambda *given: reads.append(given) or since(*given)
    )
    asyncio.run(output_follow.follow_output(lambda: home, START, 0.5))
    assert len(reads) == 2  # stdout and stderr, once


def test_a_follower_polls_when_the_system_has_no_inotify_watch_left(home, monkeypatch, caplog):
    class NoWatches:
        def inotify_init1(self, _flags):
            return -1

    monkeypatch.setattr(inotify.ctypes, "CDLL", lambda *_, **__: NoWatches())
    monkeypatch.setattr(inotify, "LOOK_AGAIN_S", 0.01)
    assert asyncio.run(heard_after(home, lambda: write(home, "news\n")))["stdout"] == ["news"]
    assert "cannot watch" in caplog.text


def test_output_between_the_read_and_the_wait_is_returned(home):
    async def scene():
        with DirectoryWatch(home.folder) as watched:
            write(home, "in between\n")
            return await watched.wait(LONG_S)

    assert asyncio.run(scene())


def test_a_change_of_a_directory_ends_one_wait_only(home):
    async def scene():
        with DirectoryWatch(home.folder) as watched:
            write(home, "once\n")
            return [await watched.wait(LONG_S), await watched.wait(0.05)]

    assert asyncio.run(scene()) == [True, False]
