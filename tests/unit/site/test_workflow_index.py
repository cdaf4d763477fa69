"""The repositories of a site: which has a workflow, and what lists of workflows say."""

import os
import subprocess
import time
from types import SimpleNamespace

import pytest

from salt_o2.core.errors import UnknownNameError
from salt_o2.site import workflow_index
from salt_o2.workflow import load
from salt_o2.workflow.sources import directory, template_index

LEAF = "roles: [{name: x, task: {load: t}}]\n"


def git(path, *arguments):
    who = ["-c", "user.name=n", "-c", "user.email=e@x"]
    subprocess.run(["git", *who, "-C", str(path), *arguments], check=True, capture_output=True)


def write(path, workflow, text, command="x"):
    for name, content in (
        (f"workflows/{workflow}.yaml", text),
        ("tasks/t.yaml", f"name: t\ncommand: {{value: {command}}}\n"),
    ):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(content)


@pytest.fixture
def listed(tmp_path):
    """A plain directory, and a git repository whose tag v1 has another task than its head."""
    write(tmp_path / "plain", "a", f"name: a\n{LEAF}")
    repository = tmp_path / "group" / "flows"
    repository.mkdir(parents=True)
    git(repository, "init", "--quiet", "--initial-branch=main")
    for command in ("old", "new"):
        write(
            repository, "b", f"name: b\ndefaults: {{n: !public {{value: 1, type: number}}}}\n{LEAF}", command
        )
        git(repository, "add", ".")
        git(repository, "commit", "--quiet", "-m", command)
        if command == "old":
            git(repository, "tag", "v1")
    return workflow_index.SiteResources.of([str(tmp_path / "plain"), str(repository)], tmp_path / "cache")


def command_of(listed, name):
    return load(workflow_index.find(listed, name), name).tasks[0].template.command.value.constant


@pytest.mark.parametrize(
    ("name", "command"),
    [("a", "x"), ("b", "new"), ("group/flows/workflows/b@v1", "old"), ("group/flows/workflows/b", "new")],
)
def test_a_workflow_is_found_by_name_repository_and_revision(listed, name, command):
    assert command_of(listed, name) == command


def test_an_unknown_workflow_is_refused_with_the_nearest_name(listed):
    with pytest.raises(UnknownNameError, match="there are a, b"):
        workflow_index.find(listed, "zzz")


def test_the_catalogue_has_every_workflow_with_its_form(listed):
    found = {each["name"]: each for each in workflow_index.catalogue(listed)}
    assert [(each["name"], each["type"]) for each in found["b"]["variables"]] == [("n", "number")]
    assert (found["a"]["variables"], found["a"]["public"]) == ([], False)
    assert found["b"]["revision"] != found["a"]["revision"]


def test_a_form_shows_the_value_of_the_site_if_it_overrides_the_default(listed):
    (variable,) = next(each for each in workflow_index.catalogue(listed, {"n": "77"}) if each["name"] == "b")[
        "variables"
    ]
    assert variable["value"] == "77"


def test_a_list_of_directories_is_accepted_as_repositories(tmp_path):
    write(tmp_path, "a", f"name: !public a\n{LEAF}")
    assert workflow_index.catalogue([str(tmp_path)])[0]["public"]
    assert command_of([str(tmp_path)], "a") == "x"


def broken_git(tmp_path):
    path = tmp_path / "broken"
    path.mkdir()
    git(path, "init", "--quiet", "--initial-branch=main")
    (path / "tasks").symlink_to("/etc")
    (path / "workflows").symlink_to("../..")
    git(path, "add", "--all")
    git(path, "commit", "--quiet", "-m", "links")
    return path


BROKEN = {
    "a folder that leads out": broken_git,
    "a revision that is not there": lambda tmp_path: f"{broken_git(tmp_path)}@none",
    "links in a clone": lambda tmp_path: f"{broken_git(tmp_path)}@main",
    "an address where nothing is": lambda _: "file:///nowhere/at/all",
    "a fileserver that is not there": lambda _: "salt://nothing",
}


@pytest.mark.finding("3.5")
@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_repository_is_listed_as_broken_and_all_others_are_listed(listed, tmp_path, case):
    broken = str(BROKEN[case](tmp_path))
    site = workflow_index.SiteResources.of([broken, *listed], tmp_path / "cache")
    rows = workflow_index.catalogue(site)
    assert [row["name"] for row in rows] == ["", "a", "b"]
    assert rows[0]["source"] == broken.removesuffix("@none").removesuffix("@main")
    assert rows[0]["description"].startswith("this repository cannot be read: ")
    assert rows[0]["problem"]


@pytest.mark.finding("3.5")
@pytest.mark.parametrize("case", BROKEN)
def test_workflows_of_other_repositories_are_found_beside_a_broken_one(listed, tmp_path, case):
    site = workflow_index.SiteResources.of([str(BROKEN[case](tmp_path)), *listed], tmp_path / "cache")
    assert command_of(site, "a") == "x"
    with pytest.raises(UnknownNameError, match="there are a, b"):
        workflow_index.find(site, "zzz")


@pytest.mark.finding("3.5")
def test_a_defect_in_one_repository_is_a_row_of_the_list(listed, tmp_path):
    def fails(_path, _saltenv):
        raise RuntimeError("a defect")

    site = workflow_index.SiteResources.of(["salt://x", *listed], tmp_path / "cache", fails)
    rows = workflow_index.catalogue(site)
    assert (rows[0]["name"], rows[0]["problem"]) == ("", "RuntimeError('a defect')")
    assert [row["name"] for row in rows[1:]] == ["a", "b"]


@pytest.mark.finding("3.5")
def test_one_file_that_is_broken_does_not_hide_the_others(listed, tmp_path):
    (tmp_path / "plain/workflows/bad.yaml").symlink_to("/etc/shadow")
    (tmp_path / "plain/workflows/worse.yaml").write_bytes(b"\xff\xfe")
    rows = workflow_index.catalogue(listed)
    assert [row["name"] for row in rows] == ["a", "bad", "worse", "b"]
    assert "leads out" in rows[1]["description"]
    assert "root:" not in str(rows)


@pytest.mark.finding("2.9")
def test_passwords_of_repositories_are_shown_to_no_user(listed, tmp_path):
    """Nothing answers at this port; git says the address in its error."""
    url = "http://reader:hunter2@127.0.0.1:9/flows"
    site = workflow_index.SiteResources.of([url, f"{url}@v1", *listed], tmp_path / "cache")
    rows = workflow_index.catalogue(site)
    assert [row["source"] for row in rows[:2]] == ["http://reader:***@127.0.0.1:9/flows"] * 2
    assert "hunter2" not in str(rows)
    for name in ("zzz", "127.0.0.1:9/flows/workflows/w@v1", "w@bad revision"):
        with pytest.raises(UnknownNameError) as refused:
            workflow_index.find(site, name)
        assert "hunter2" not in str(refused.value)


@pytest.fixture
def indexed(monkeypatch):
    """Return the list of the files that an index has read."""
    files = []
    entry = template_index._entry
    monkeypatch.setattr(
        template_index, "_entry", lambda name, template: files.append(name) or entry(name, template)
    )
    return files


def age(folder):
    """Have the files in ``folder`` changed a minute ago."""
    for file in folder.iterdir():
        os.utime(file, (time.time() - 60,) * 2)


@pytest.mark.finding("A21")
def test_no_file_of_a_repository_is_read_to_find_a_workflow_of_another(tmp_path, indexed):
    write(tmp_path / "large", "x", "name: x\nroles:\n" + "  - a\n" * 1_000)
    write(tmp_path / "small", "theirs", f"name: theirs\n{LEAF}")
    site = [str(tmp_path / "large"), str(tmp_path / "small")]
    assert workflow_index.find(site, "theirs").repository == site[1]
    assert indexed == []


@pytest.mark.finding("A21")
def test_a_file_name_in_any_repository_takes_precedence_over_the_name_of_a_root_role(tmp_path):
    write(tmp_path / "first", "other", f"name: wanted\n{LEAF}")
    write(tmp_path / "second", "wanted", f"name: wanted\n{LEAF}")
    site = [str(tmp_path / "first"), str(tmp_path / "second")]
    assert workflow_index.find(site, "wanted").repository == site[1]
    assert workflow_index.find(site[:1], "wanted").workflow("wanted").name == "other"


@pytest.mark.finding("A21")
def test_a_workflow_file_is_read_once_until_it_changes(tmp_path, indexed):
    write(tmp_path, "a", f"name: a\ndescription: first\n{LEAF}")
    write(tmp_path, "bad", "a: b: c")
    age(tmp_path / "workflows")
    for _ in range(3):
        rows = workflow_index.catalogue([str(tmp_path)])
    assert rows[1]["description"].startswith("cannot be read: workflows/bad.yaml:1: not YAML")
    assert indexed == ["a", "bad"]
    write(tmp_path, "a", f"name: a\ndescription: other\n{LEAF}")
    assert workflow_index.catalogue([str(tmp_path)])[0]["description"] == "other"


LARGE = {
    "values": ("  - a\n" * 100_001, "more than 100,000 values"),
    "unfinished lists": ("  - " + ("[" + "a," * 2_500) * 90 + "]" * 90, "more than 100,000 values"),
    "bytes": (f"  - {'a' * 1_000_000}", "larger than 1,000,000 bytes"),
}


@pytest.mark.finding("A21")
@pytest.mark.parametrize(("roles", "why"), LARGE.values(), ids=LARGE)
def test_a_workflow_file_beyond_the_bound_of_an_index_is_listed_as_such(listed, tmp_path, roles, why):
    write(tmp_path / "plain", "large", f"name: large\nroles:\n{roles}")
    rows = {row["name"]: row for row in workflow_index.catalogue(listed)}
    assert set(rows) == {"a", "b", "large"}
    assert why in rows["large"]["description"]
    assert workflow_index.find(listed, "large").workflow("large").name == "large"


@pytest.mark.finding("A21")
def test_a_slow_repository_is_listed_as_such_and_the_next_list_reads_more(
    listed, tmp_path, indexed, monkeypatch
):
    for name in ("a", "c", "d"):
        write(tmp_path / "plain", name, f"name: {name}\n{LEAF}")
    age(tmp_path / "plain" / "workflows")
    now = iter(range(1_000))
    monkeypatch.setattr(template_index, "time", SimpleNamespace(monotonic=lambda: 3 * next(now)))
    rows = {row["name"]: row["description"] for row in workflow_index.catalogue(listed)}
    assert "the next request reads more" in rows["d"]
    assert rows["b"] == "", "a slow repository costs the others nothing"
    for _ in range(3):
        rows = {row["name"]: row["description"] for row in workflow_index.catalogue(listed)}
    assert rows == dict.fromkeys("abcd", "")
    assert [name for name in indexed if name != "b"] == ["a", "c", "d"]


@pytest.mark.finding("A21")
@pytest.mark.parametrize(
    ("bound", "why"),
    [("REPOSITORY_FILES", "has more than 3 files"), ("REPOSITORY_BYTES", "more than 64,000,000 bytes")],
)
def test_a_repository_beyond_a_bound_is_listed_as_broken(tmp_path, monkeypatch, bound, why):
    for name in ("a", "b", "c", "d"):
        write(tmp_path / "large", name, f"name: {name}\n{LEAF}")
    (tmp_path / "small" / "workflows").mkdir(parents=True)
    (tmp_path / "small" / "workflows" / "s.yaml").write_text("{}")
    monkeypatch.setattr(directory, bound, 3)
    rows = workflow_index.catalogue([str(tmp_path / "large"), str(tmp_path / "small")])
    assert [row["name"] for row in rows] == ["", "s"]
    assert why in rows[0]["problem"]


@pytest.mark.finding("A21")
def test_the_workflows_of_a_repository_that_are_listed_are_bounded_in_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(template_index, "INDEX_REPOSITORY_BYTES", 110)
    for name in ("a", "b", "c"):
        write(tmp_path, name, f"name: {name}\ndescription: {'x' * 30}\n")
    rows = workflow_index.catalogue([str(tmp_path)])
    assert [row["description"].startswith("cannot be read") for row in rows] == [False, False, True]
