"""A disk that is really full, under control's store: what was promised stays true, also over a kill."""

import signal
import subprocess
import sys

import pytest

from salt_o2.control.storage.run_store import RunStore
from salt_o2.control.storage.store import Store
from salt_o2.control.storage.stored import StoredEnvironment
from salt_o2.core.environment.environment import Environment
from salt_o2.core.errors import StorageError
from salt_o2.core.ids import EnvironmentId
from salt_o2.core.messages.inputs import Tick
from salt_o2.core.plan.overrides import Overrides
from salt_o2.core.recovery import snapshot
from tests.support.builders.plans import plan_of, planned

pytestmark = [
    pytest.mark.integration,
    pytest.mark.root("mount a small disk"),
]
SIZE = "1m"
E1 = EnvironmentId("E1")
GIVE_NUMBERS = """
import sys, time
from salt_o2.control.storage.run_store import RunStore
from salt_o2.control.storage.store import Store
from salt_o2.core.errors import StorageError
store = Store(sys.argv[1])
runs = RunStore(store)
print("open", flush=True)
sys.stdin.readline()
while True:
    try:
        print(runs.reserve_run(), flush=True)
    except StorageError:
        print("refused", flush=True)
        time.sleep(1000)
"""


class Disk:
    """A file system of one megabyte, and a file that takes all of its room."""

    def __init__(self, folder):
        self.folder, self._filler = folder, folder / "filler"

    @property
    def url(self):
        return f"sqlite:///{self.folder / 'o2.sqlite'}"

    def fill(self):
        with self._filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass

    def make_room(self):
        self._filler.unlink()


@pytest.fixture
def disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "o2-test", str(folder)], check=True)
    yield Disk(folder)
    subprocess.run(["umount", str(folder)], check=True)


def kept():
    plan = plan_of(planned("sink", "flp1"))
    taken = snapshot.capture(Environment(E1, plan))
    return StoredEnvironment(id=E1, created=1.0, user="u", overrides=Overrides(), plan=plan, snapshot=taken)


def until_refused(runs):
    """Run numbers as long as there are any: the log of the database may have some room of its own left."""
    given = []
    while True:
        try:
            given.append(runs.reserve_run())
        except StorageError:
            return given


def test_a_run_number_is_refused_on_a_full_disk_and_given_after_space_is_free(disk):
    store = Store(disk.url)
    runs = RunStore(store)
    first = runs.reserve_run()
    disk.fill()
    given = [first]
    given += until_refused(runs)
    with pytest.raises(StorageError, match="Free disk space"):
        runs.reserve_run()
    disk.make_room()
    given.append(runs.reserve_run())
    assert given == list(range(first, first + len(given)))
    store.close()


def test_run_numbers_that_a_client_has_seen_are_never_reused_although_control_is_killed(disk):
    command = [sys.executable, "-c", GIVE_NUMBERS, disk.url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as control:
        assert control.stdout.readline() == "open\n"
        disk.fill()
        control.stdin.write("go on\n")
        control.stdin.flush()
        seen = list(iter(lambda: control.stdout.readline().strip(), "refused"))
        control.send_signal(signal.SIGKILL)
    disk.make_room()
    store = Store(disk.url)
    assert RunStore(store).reserve_run() == max(map(int, seen), default=0) + 1
    store.close()


def test_journal_entries_wait_for_disk_space_and_none_is_lost(disk):
    store = Store(disk.url)
    store.add(kept())
    disk.fill()
    ticks = 0
    while not store.trouble:
        ticks += 1
        store.append(E1, Tick(at=float(ticks)))
        store.flush()
    with pytest.raises(StorageError, match="cannot write"):
        store.ensure_writable()
    disk.make_room()
    store.ensure_writable()
    assert [line.at for line in store.journal(E1)] == [float(at) for at in range(1, ticks + 1)]
    store.close()


def test_a_store_that_finds_a_full_disk_refuses_to_open_and_opens_after_space_is_free(disk):
    store = Store(disk.url)
    number = RunStore(store).reserve_run()
    store.close()
    disk.fill()
    with pytest.raises(StorageError, match="Free disk space"):
        Store(disk.url)
    disk.make_room()
    store = Store(disk.url)
    assert RunStore(store).reserve_run() == number + 1
    store.close()
