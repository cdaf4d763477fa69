"""Directories of templates: what is in them, and which revision of it."""

import shutil
import subprocess

import pytest

from salt_o2.core.errors import TemplateError, UnknownNameError
from salt_o2.workflow import Directory
from salt_o2.workflow.sources import directory as source


@pytest.fixture
def directory(tmp_path):
    """Two workflows, one of them in the form of 2018, and one task."""
    (tmp_path / "workflows").mkdir()
    (tmp_path / "tasks").mkdir()
    (tmp_path / "workflows/readout.yaml").write_text(
        "name: readout\ndescription: !public Reads\n  detectors out\n"
    )
    (tmp_path / "workflows/fairmq-ex-copypush.yaml").write_text("fairmq-ex-copypush:\n  name: copypush\n")
    (tmp_path / "tasks/reader.yaml").write_text("name: reader\n")
    return Directory(tmp_path)


def test_workflows_are_listed_by_name_with_their_descriptions(directory):
    assert directory.workflows() == [("fairmq-ex-copypush", ""), ("readout", "Reads detectors out")]


def test_a_faulty_workflow_is_listed_with_what_is_wrong(directory):
    (directory.path / "workflows/bad.yaml").write_text("a: b: c")
    listed = dict(directory.workflows())
    assert listed["bad"].startswith("cannot be read: workflows/bad.yaml:1: not YAML")
    assert len(listed) == 3


def test_templates_come_as_text_with_the_name_of_their_file(directory):
    assert directory.workflow("readout")[:2] == ("readout", "workflows/readout.yaml")
    assert directory.task("reader") == ("reader", "tasks/reader.yaml", "name: reader\n")


def test_a_workflow_may_be_asked_for_by_the_name_of_its_root_role(directory):
    assert directory.workflow("copypush").name == "fairmq-ex-copypush"


def test_two_workflows_with_one_root_name_are_not_found_by_that_name(directory):
    (directory.path / "workflows/other.yaml").write_text("name: copypush\n")
    with pytest.raises(UnknownNameError):
        directory.workflow("copypush")


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("redout", r"no workflow redout in .*/workflows \(did you mean readout\?\)"),
        ("zzz", "there are fairmq-ex-copypush, readout"),
        ("../tasks/reader", "no workflow"),
        ("", "no workflow"),
    ],
)
def test_an_unknown_workflow_is_refused_with_advice(directory, name, advice):
    with pytest.raises(UnknownNameError, match=advice):
        directory.workflow(name)


@pytest.mark.parametrize(
    "name", ["readr", "../workflows/readout", "/etc/passwd", "reader.yaml", "", ".", "a\nb"]
)
def test_an_unknown_task_is_refused_and_no_name_leads_out_of_the_directory(directory, name):
    with pytest.raises(UnknownNameError, match="no task class"):
        directory.task(name)


def test_a_directory_that_does_not_exist_has_nothing(tmp_path):
    with pytest.raises(UnknownNameError, match="there is none at all"):
        Directory(tmp_path / "nowhere").workflow("x")
    assert Directory(tmp_path / "nowhere").workflows() == []


def test_templates_are_utf_8(directory):
    file = directory.path / "tasks/reader.yaml"
    file.write_bytes("description: Prüfung\n".encode("utf-8-sig"))
    assert directory.task("reader").text == "description: Prüfung\n"
    file.write_bytes(b"description: \xff\n")
    with pytest.raises(TemplateError, match=r"tasks/reader\.yaml: not UTF-8 at byte 13"):
        directory.task("reader")


def test_a_file_that_is_too_large_is_not_read(directory, monkeypatch):
    monkeypatch.setattr(source, "FILE_BYTES", 5)
    with pytest.raises(TemplateError, match="larger than 5 bytes"):
        directory.task("reader")


def test_without_git_the_revision_is_a_digest_that_changes_with_the_content(directory, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(directory.path.parent))
    first = directory.revision()
    assert first.startswith("sha256:")
    assert directory.revision() == first
    (directory.path / "tasks/reader.yaml").write_text("name: reader\nwants: {}\n")
    assert directory.revision() != first


def test_a_directory_on_a_machine_without_git_has_a_digest(directory, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert directory.revision().startswith("sha256:")


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
class TestGit:
    """In the work tree of a git repository the commit is the revision."""

    @pytest.fixture
    def commit(self, directory, monkeypatch):
        """Put the directory under git; return the function that runs git in it."""
        for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
            monkeypatch.setenv(name, "nobody")
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")

        def git(*arguments):
            done = subprocess.run(
                ["git", "-C", directory.path, *arguments], capture_output=True, text=True, check=True
            )
            return done.stdout.strip()

        git("init", "-q")
        git("add", ".")
        git("commit", "-qm", "templates")
        return git("rev-parse", "HEAD")

    def test_the_revision_is_the_commit(self, directory, commit):
        assert directory.revision() == commit

    def test_changed_or_new_templates_make_the_revision_dirty(self, directory, commit):
        (directory.path / "workflows/new.yaml").write_text("name: new\n")
        assert directory.revision() == f"{commit}+dirty"

    def test_a_template_that_git_ignores_does_not_change_the_revision(self, directory, commit):
        (directory.path / ".git/info/exclude").write_text("new.yaml\n")
        (directory.path / "workflows/new.yaml").write_text("name: new\n")
        assert directory.revision() == commit

    def test_templates_that_git_ignores_are_known_by_their_digest(self, directory, commit):
        (directory.path / ".git/info/exclude").write_text("inner\n")
        shutil.copytree(directory.path / "workflows", directory.path / "inner/workflows")
        assert Directory(directory.path / "inner").revision().startswith("sha256:")

    def test_a_repository_without_a_commit_has_a_digest(self, directory, commit):
        shutil.rmtree(directory.path / ".git")
        subprocess.run(["git", "-C", directory.path, "init", "-q"], check=True)
        subprocess.run(["git", "-C", directory.path, "add", "."], check=True)
        assert directory.revision().startswith("sha256:")

    def test_other_files_do_not_matter(self, directory, commit):
        (directory.path / "notes.txt").write_text("x")
        assert directory.revision() == commit

    def test_templates_that_git_does_not_know_are_known_by_their_digest(self, directory, commit):
        shutil.copytree(directory.path / "workflows", directory.path / "inner/workflows")
        assert Directory(directory.path / "inner").revision().startswith("sha256:")
