"""Repositories of authors: their settings run no program, their refs and links lead nowhere else."""

import os
import shutil
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from salt_o2.core.errors import TemplateError, UnknownNameError
from salt_o2.workflow.limits import FILE_BYTES
from salt_o2.workflow.sources import git as git_source
from salt_o2.workflow.sources.directory import Directory
from salt_o2.workflow.sources.git import GitRepository
from salt_o2.workflow.sources.reference import parse_reference
from salt_o2.workflow.sources.site_repositories import Address, SiteRepositories

STRANGER = 65534
WORKFLOW = "name: w\nroles: [{name: x, task: {load: t}}]\n"

as_root = pytest.mark.root("give files to other accounts")


def git(path, *arguments, **more):
    who = [
        "-c",
        "user.name=n",
        "-c",
        "user.email=e@x",
        "-c",
        "commit.gpgsign=false",
        "-c",
        "safe.directory=*",
    ]
    done = subprocess.run(
        ["git", *who, "-C", str(path), *arguments], check=True, capture_output=True, text=True, **more
    )
    return done.stdout.strip()


def write(path, value="x"):
    for name, text in (
        ("workflows/w.yaml", WORKFLOW),
        ("tasks/t.yaml", f"name: t\ncommand: {{value: {value}}}\n"),
    ):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)


def commit(path, message):
    git(path, "add", "--all")
    git(path, "commit", "--quiet", "--message", message)
    return git(path, "rev-parse", "HEAD")


@pytest.fixture
def tree(tmp_path):
    """A git repository with one workflow; other accounts may go through the folders above it."""
    path = tmp_path / "flows"
    path.mkdir()
    git(path, "init", "--quiet", "--initial-branch=main")
    write(path)
    commit(path, "first")
    for folder in (tmp_path, *(parent for parent in tmp_path.parents if "pytest" in str(parent))):
        folder.chmod(0o755)
    return path


@pytest.fixture
def repository(tree, tmp_path):
    return GitRepository(str(tree), tmp_path / "cache")


@pytest.fixture
def trap(tree, tmp_path):
    """Settings of the tree by which git runs a program: returns the file that the program leaves."""
    sprung = tmp_path / "sprung"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\nid -u >> {sprung}\ncat\n")
    program.chmod(0o755)
    (tree / ".gitattributes").write_text("*.yaml filter=own\n")
    commit(tree, "attributes")
    for setting in (
        "core.fsmonitor",
        "filter.own.clean",
        "filter.own.smudge",
        "core.sshCommand",
        "core.askPass",
    ):
        git(tree, "config", setting, str(program))
    git(tree, "config", "core.alternateRefsCommand", str(program))
    git(tree, "config", "uploadpack.packObjectsHook", str(program))
    git(tree, "config", "core.pager", str(program))
    hooks = tree / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-checkout", "fsmonitor-watchman", "reference-transaction", "post-index-change"):
        shutil.copy(program, hooks / hook)
    (tree / "tasks/t.yaml").write_text("name: t\ncommand: {value: changed}\n")
    git(tree, "status")
    assert sprung.exists(), "git's own status runs the program: the trap is set"
    sprung.unlink()
    return sprung


@pytest.mark.finding("1.10")
def test_settings_of_a_tree_run_no_program(tree, trap, repository):
    assert Directory(tree).revision() == f"{git(tree, 'rev-parse', 'HEAD')}+dirty"
    assert repository.at("main").task("t").text
    assert not trap.exists()


@pytest.mark.finding("1.10")
@as_root
def test_settings_of_a_tree_of_another_account_run_no_program(tree, trap, repository):
    head = git(tree, "rev-parse", "HEAD")
    subprocess.run(["chown", "-R", f"{STRANGER}:{STRANGER}", tree], check=True)
    assert Directory(tree).revision() == f"{head}+dirty"
    assert repository.at("main").task("t").text
    assert not trap.exists()


@pytest.mark.finding("1.10")
@as_root
def test_git_runs_as_the_owner_of_a_tree(tree, repository):
    head = git(tree, "rev-parse", "HEAD")
    subprocess.run(["chown", "-R", f"{STRANGER}:{STRANGER}", tree], check=True)
    for folder, _, _ in os.walk(tree / ".git"):
        Path(folder).chmod(0o700)
    # git refuses to work for root in another account's tree: that it answers shows for whom it worked.
    assert Directory(tree).revision() == head
    assert repository.at("main").revision() == head


@pytest.mark.finding("1.10")
@pytest.mark.parametrize("shared", [0o2775, 0o2777])
@as_root
def test_a_repository_that_others_may_write_is_known_by_its_digest(tree, trap, shared):
    os.chown(tree / ".git", 0, 100)
    (tree / ".git").chmod(shared)
    assert Directory(tree).revision().startswith("sha256:")
    assert not trap.exists()


@pytest.mark.finding("1.10")
def test_a_clone_that_lacks_objects_fetches_none(tree, tmp_path, trap):
    git(tree, "config", "uploadpack.allowFilter", "true")
    (tmp_path / "partial").mkdir()
    for word in ("init --quiet", f"remote add origin file://{tree}", "config remote.origin.promisor true"):
        git(tmp_path / "partial", *word.split())
    program = git(tree, "config", "core.sshCommand")
    head = git(tree, "rev-parse", "HEAD")
    git(tmp_path / "partial", "config", "remote.origin.url", "ssh://nowhere.invalid/x")
    git(tmp_path / "partial", "config", "core.sshCommand", program)
    git(tmp_path / "partial", "config", "extensions.partialClone", "origin")
    git(tmp_path / "partial", "config", "core.repositoryFormatVersion", "1")
    branch = git(tmp_path / "partial", "symbolic-ref", "HEAD")
    (tmp_path / "partial" / ".git" / branch).write_text(f"{head}\n")
    write(tmp_path / "partial")
    trap.unlink(missing_ok=True)
    assert Directory(tmp_path / "partial").revision().startswith("sha256:")
    with pytest.raises(UnknownNameError):
        GitRepository(str(tmp_path / "partial"), tmp_path / "cache").at(branch.removeprefix("refs/heads/"))
    assert not trap.exists()


@pytest.fixture
def pulled(tree):
    """Return the commit that a stranger's pull request has brought to the repository."""
    git(tree, "checkout", "--quiet", "--detach")
    write(tree, "strange")
    strange = commit(tree, "a pull request")
    git(tree, "update-ref", "refs/pull/7/head", strange)
    git(tree, "checkout", "--quiet", "main")
    return strange


@pytest.mark.finding("1.9")
@pytest.mark.parametrize(
    "revision", ["refs/pull/7/head", "pull/7/head", "strange", "part", "refs/default", "HEAD"]
)
def test_only_branches_and_tags_are_revisions(repository, pulled, revision):
    asked = {"strange": pulled, "part": pulled[:10]}.get(revision, revision)
    with pytest.raises(UnknownNameError, match="has no branch or tag"):
        repository.at(asked)
    clone = next((repository._cache / "clones").iterdir())
    known = subprocess.run(["git", "-C", clone, "cat-file", "-e", pulled], capture_output=True)
    assert known.returncode, "the stranger's commit was not even fetched"


@pytest.mark.finding("1.9")
def test_a_commit_on_no_branch_is_no_revision(tree, repository):
    write(tree, "bad")
    bad = commit(tree, "bad")
    assert repository.at(bad).revision() == bad
    git(tree, "reset", "--quiet", "--hard", "HEAD~1")
    assert repository.at("main").revision() != bad
    with pytest.raises(UnknownNameError, match="has no branch or tag"):
        repository.at(bad)


@pytest.mark.finding("1.9")
def test_commits_of_branches_and_tags_are_revisions(tree, repository):
    first = git(tree, "rev-parse", "HEAD")
    git(tree, "tag", "--annotate", "--message", "x", "v1")
    write(tree, "second")
    commit(tree, "second")
    for revision in (first, first[:10], "v1"):
        assert repository.at(revision).revision() == first


@pytest.mark.finding("1.9")
def test_a_site_pins_the_revisions_that_may_be_asked_for(tree, tmp_path):
    first = git(tree, "rev-parse", "HEAD")
    git(tree, "tag", "v1")
    git(tree, "branch", "side")
    write(tree, "second")
    second = commit(tree, "second")
    git(tree, "branch", "listed")
    for name in (str(tree), "*", "flows"):
        site = SiteRepositories([f"{tree}@listed"], tmp_path / "cache", revisions={name: ["v*"]})
        for revision, found in (("v1", first), (first, first), ("listed", second)):
            assert site.open(Address(str(tree), revision)).revision() == found
        for revision in ("side", "main"):
            with pytest.raises(UnknownNameError, match=r"has no branch or tag .* among v\*, listed"):
                site.open(Address(str(tree), revision))
    tags = SiteRepositories([str(tree)], tmp_path / "cache", revisions={str(tree): ["v*"]})
    with pytest.raises(UnknownNameError, match="has no branch or tag"):
        tags.open(Address(str(tree), second))


@pytest.mark.finding("3.5")
def test_a_link_that_leads_out_spoils_one_template_alone(tree, repository):
    (tree / "tasks/bad.yaml").symlink_to("../../../../../../../../etc/passwd")
    (tree / "tasks/good.yaml").symlink_to("t.yaml")
    (tree / "workflows/loop.yaml").symlink_to("loop.yaml")
    commit(tree, "links")
    for source in (repository.at("main"), Directory(tree)):
        assert [name for name, _ in source.workflows()] == ["loop", "w"]
        assert source.task("good").text == source.task("t").text
        with pytest.raises((TemplateError, UnknownNameError)) as refused:
            source.task("bad")
        assert "root:" not in str(refused.value)


@pytest.mark.finding("3.5")
def test_trees_that_no_git_would_write_are_read_as_far_as_they_make_sense(tree, repository):
    blob = git(tree, "hash-object", "-w", "--stdin", input="name: x\n")
    inner = git(tree, "mktree", input=f"100644 blob {blob}\tt.yaml\n")
    link = git(tree, "hash-object", "-w", "--stdin", input="/etc")
    entries = f"040000 tree {inner}\ttasks\n120000 blob {link}\tworkflows\n"
    made = git(tree, "mktree", input=entries)
    odd = git(tree, "commit-tree", "-m", "odd", made)
    git(tree, "branch", "odd", odd)
    source = repository.at("odd")
    assert source.task("t").text == "name: x\n"
    with pytest.raises(UnknownNameError, match="leads out of"):
        source.workflows()


def test_a_file_that_is_too_large_spoils_itself_alone(tree, repository):
    (tree / "tasks/large.yaml").write_bytes(b"#" * (FILE_BYTES + 10))
    commit(tree, "large")
    source = repository.at("main")
    assert source.task("t").text
    with pytest.raises(TemplateError, match="larger than"):
        source.task("large")


def test_submodules_are_not_fetched(tree, tmp_path, repository):
    git(tree, "-c", "protocol.file.allow=always", "submodule", "add", "--quiet", str(tree), "tasks/inner")
    commit(tree, "a submodule")
    source = repository.at("main")
    assert not list((source.path / "tasks").glob("inner/*"))


def test_a_branch_without_a_commit_as_head_has_no_default(tree, repository):
    git(tree, "symbolic-ref", "HEAD", "refs/heads/empty")
    assert repository.at("main").workflow("w")
    with pytest.raises(UnknownNameError, match="has no branch or tag that is its HEAD"):
        repository.at()


def test_a_repository_with_hashes_of_sha256_is_known(tmp_path):
    tree = tmp_path / "new"
    tree.mkdir()
    git(tree, "init", "--quiet", "--object-format=sha256", "--initial-branch=main")
    write(tree)
    head = commit(tree, "first")
    assert Directory(tree).revision() == head


@pytest.mark.finding("3.4")
def test_threads_that_wait_for_a_fetch_do_not_each_fetch_again(repository, monkeypatch):
    fetched, waits, goes_on = [], threading.Event(), threading.Event()
    fetch = GitRepository._fetch

    def slow(self, clone):
        fetched.append(clone)
        waits.set()
        goes_on.wait(30)
        fetch(self, clone)

    monkeypatch.setattr(GitRepository, "_fetch", slow)
    with ThreadPoolExecutor(9) as threads:
        first = threads.submit(repository.refresh)
        waits.wait(30)
        others = [threads.submit(repository.refresh) for _ in range(8)]
        goes_on.set()
        for each in (first, *others):
            each.result(30)
    assert len(fetched) <= 2
    monkeypatch.undo()
    assert repository.at("main").workflow("w")


@pytest.mark.finding("3.4")
def test_trees_of_commits_are_bounded_in_number(tree, repository, monkeypatch):
    monkeypatch.setattr("salt_o2.workflow.sources.git.TREES", 3)
    commits = []
    for number in range(6):
        write(tree, f"v{number}")
        commits.append(commit(tree, str(number)))
    for each in commits[:4]:
        repository.at(each)
    kept = repository._cache / "trees"
    assert {path.name for path in kept.iterdir()} == set(commits[1:4]), "the least recently used is removed"
    for age, each in enumerate(commits[1:4]):
        os.utime(kept / each, (age, age))
    assert repository.at(commits[1]).revision() == commits[1]
    repository.at(commits[4])
    assert {path.name for path in kept.iterdir()} == {commits[1], commits[3], commits[4]}
    assert repository.at(commits[0]).task("t").text


@pytest.mark.finding("3.4")
def test_a_name_that_is_too_long_is_no_name(tree):
    with pytest.raises(UnknownNameError, match="characters is no name"):
        parse_reference("a/workflows/" * 100_000, "workflows")


@pytest.fixture
def commits(tree):
    """Return four commits, each with templates of about 100 kB."""
    found = []
    for number in range(4):
        write(tree, f"v{number}")
        (tree / "tasks/large.yaml").write_bytes(b" " * 100_000)
        found.append(commit(tree, str(number)))
    return found


def stored(repository):
    return {path.name for path in (repository._cache / "trees").iterdir()}


@pytest.mark.finding("A20")
def test_trees_of_commits_are_bounded_in_bytes(repository, commits, monkeypatch):
    monkeypatch.setattr(git_source, "TREES_BYTES", 300_000)
    for each in commits:
        repository.at(each)
        time.sleep(0.01)
    assert stored(repository) == set(commits[2:])
    monkeypatch.setattr(git_source, "TREES_BYTES", 0)
    assert repository.at(commits[0]).task("t").text
    assert stored(repository) == {commits[0]}, "the requested one is stored in any case"


@pytest.mark.finding("A20")
def test_a_tree_that_is_removed_while_it_is_used_is_written_again(repository, commits, monkeypatch):
    monkeypatch.setattr(git_source, "TREES", 1)
    first, other = repository.at(commits[0]), repository.at(commits[1])
    assert stored(repository) == {commits[1]}
    for _ in range(2):
        assert "v0" in first.task("t").text
        assert "v1" in other.task("t").text
    assert first.names() == ["w"]
    assert other.workflow("w").text
    assert [name for name, _ in first.index()] == ["w"]
    with pytest.raises(UnknownNameError, match="no task class none"):
        other.task("none")


@pytest.mark.finding("A20")
@pytest.mark.parametrize(("files", "size"), [(3, 60_000), (50, 0)])
def test_a_commit_with_too_large_or_too_many_files_is_refused_and_nothing_is_stored(
    tree, repository, monkeypatch, files, size
):
    monkeypatch.setattr(git_source, "TREE_BYTES", 150_000)
    assert repository.at("main").task("t").text
    before = stored(repository)
    for number in range(files):
        (tree / f"tasks/f{number}.yaml").write_bytes(b" " * size)
    large = commit(tree, "large")
    with pytest.raises(UnknownNameError, match="workflows, tasks, jit have more than 150,000 bytes"):
        repository.at(large)
    assert stored(repository) == before


@pytest.mark.finding("A20")
def test_a_commit_that_describes_billions_of_files_is_refused(tree, repository):
    """Ten folders of ten folders, ten times: each has one small object in git."""
    blob = git(tree, "hash-object", "-w", "--stdin", input="name: x\n")
    made = git(tree, "mktree", input=f"100644 blob {blob}\tt.yaml\n")
    for _ in range(10):
        made = git(tree, "mktree", input="".join(f"040000 tree {made}\tf{n}\n" for n in range(10)))
    root = git(tree, "mktree", input=f"040000 tree {made}\ttasks\n")
    git(tree, "branch", "first")
    git(tree, "branch", "bomb", git(tree, "commit-tree", "-m", "bomb", root))
    with pytest.raises(UnknownNameError, match="git ls-tree writes more than 8,000,000 bytes"):
        repository.at("bomb")
    git(tree, "update-ref", "HEAD", "bomb")
    assert Directory(tree).revision().startswith("sha256:"), "the commit cannot be compared with the files"
    git(tree, "update-ref", "HEAD", "first")
    assert repository.at("main").task("t").text


def test_a_folder_that_an_interrupted_control_has_left_is_removed(repository, commits):
    repository.at(commits[0])
    left = repository._cache / "trees" / "tmpabcdef"
    left.mkdir()
    repository.at(commits[1])
    assert left.is_dir(), "another thread may be writing it"
    os.utime(left, (0, 0))
    repository.at(commits[2])
    assert not left.exists()
