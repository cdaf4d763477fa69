"""Links at or above a folder that the site names: followed only where they cannot lead to another account."""

import errno
import os

import pytest

from salt_o2.core.errors import UnknownNameError
from salt_o2.workflow.sources.confined_files import names_within, read_within, write_within
from salt_o2.workflow.sources.git_command import owner_of, repository_at
from salt_o2.workflow.sources.trusted_folder import LINKS, trusted_folder

ALICE, BOB = 12345, 54321


def test_a_folder_is_opened_also_by_links_of_its_own_account(tmp_path):
    (tmp_path / "real" / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "absolute").symlink_to(tmp_path / "link")
    for way in ("real/inner", "link/inner", "absolute/inner", "link/../real/./inner"):
        with trusted_folder(tmp_path / way) as descriptor:
            assert os.fstat(descriptor).st_ino == (tmp_path / "real" / "inner").stat().st_ino


def test_links_in_a_circle_are_refused(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic") as refused, trusted_folder(tmp_path / "a"):
        pass
    assert refused.value.errno == errno.ELOOP
    assert LINKS == 40


def test_a_missing_folder_is_made_for_a_file(tmp_path):
    write_within(tmp_path / "a" / "b", "c/d.yaml", b"x")
    assert (tmp_path / "a" / "b" / "c" / "d.yaml").read_bytes() == b"x"


@pytest.fixture
def exchanged(tmp_path):
    """Alice owns a folder, and has replaced the folder in it that the site names by a link to Bob's."""
    alice, bob = tmp_path / "alice", tmp_path / "bob"
    for folder, owner in (
        (alice, ALICE),
        (bob, BOB),
        (bob / "private", BOB),
        (bob / "private" / ".git", BOB),
    ):
        folder.mkdir()
        os.chown(folder, owner, owner)
    (bob / "private" / "secret").write_text("of Bob")
    (alice / "o2").symlink_to("../bob/private")
    os.chown(alice / "o2", ALICE, ALICE, follow_symlinks=False)
    return alice / "o2"


@pytest.mark.finding("A13")
@pytest.mark.root("give files to other accounts")
def test_no_link_of_one_account_leads_control_to_files_of_another(exchanged):
    for act in (
        lambda: read_within(exchanged, "secret", 100),
        lambda: names_within(exchanged, ""),
        lambda: write_within(exchanged, "planted", b"x"),
        lambda: write_within(exchanged / "new" / "folder", "planted", b"x"),
    ):
        with pytest.raises(OSError, match="leads to a folder of another account"):
            act()
    assert sorted(path.name for path in exchanged.iterdir()) == [".git", "secret"]


@pytest.mark.finding("A13")
@pytest.mark.root("give files to other accounts")
def test_git_runs_as_no_account_to_which_the_link_of_another_leads(exchanged):
    for act in (owner_of, repository_at):
        with pytest.raises(UnknownNameError, match="leads to a folder of another account"):
            act(exchanged)


@pytest.mark.finding("A13")
@pytest.mark.root("give files to other accounts")
@pytest.mark.parametrize("owner", [0, BOB], ids=["of root", "of the account to which it leads"])
def test_a_link_of_root_or_of_the_account_to_which_it_leads_is_followed(exchanged, owner):
    os.chown(exchanged, owner, owner, follow_symlinks=False)
    assert read_within(exchanged, "secret", 100) == b"of Bob"
    assert owner_of(exchanged).uid == BOB
