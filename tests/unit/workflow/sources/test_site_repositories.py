"""Repositories of templates: directories, git with revisions, and Salt's fileserver."""

import subprocess

import pytest

from salt_o2.core.errors import TemplateError, UnknownNameError
from salt_o2.workflow import load
from salt_o2.workflow.sources.directory import Directory
from salt_o2.workflow.sources.git import GitRepository, full_url, is_url
from salt_o2.workflow.sources.site_repositories import Address, SiteRepositories, parse_address

WORKFLOW = "name: w\nroles: [{name: x, task: {load: t}}]\n"
TASK = "name: t\ncommand: {value: v%s}\n"


def git(path, *arguments):
    who = ["-c", "user.name=n", "-c", "user.email=e@x", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, "-C", str(path), *arguments], check=True, capture_output=True)
    return done.stdout.decode().strip()


def write(path, number):
    for name, text in (("workflows/w.yaml", WORKFLOW), ("tasks/t.yaml", TASK % number)):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)


@pytest.fixture
def repository(tmp_path):
    """A git repository whose tag v1 and branch side have other task templates than its head."""
    path = tmp_path / "o2" / "flows"
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--initial-branch=main")
    for number in (1, 2):
        write(path, number)
        git(path, "add", ".")
        git(path, "commit", "--quiet", "-m", str(number))
        git(path, "tag", f"v{number}")
    git(path, "checkout", "--quiet", "-b", "side/branch")
    write(path, 3)
    git(path, "commit", "--quiet", "-am", "3")
    git(path, "checkout", "--quiet", "main")
    return path


def command_of(source):
    return load(source, "w").tasks[0].template.command.value.constant


@pytest.mark.parametrize(
    ("text", "repository", "revision", "name"),
    [
        ("/srv/o2", "/srv/o2", "", "/srv/o2"),
        ("/srv/o2@v1", "/srv/o2", "v1", "/srv/o2"),
        ("https://host/a/b", "https://host/a/b", "", "host/a/b"),
        ("https://host/a/b.git@feature/x", "https://host/a/b.git", "feature/x", "host/a/b"),
        ("ssh://git@host/a/b", "ssh://git@host/a/b", "", "host/a/b"),
        ("ssh://git@host/a/b@v2", "ssh://git@host/a/b", "v2", "host/a/b"),
        ("git@host:a/b", "git@host:a/b", "", "host/a/b"),
        ("git@host:a/b@v2", "git@host:a/b", "v2", "host/a/b"),
        ("github.com/a/b@master", "github.com/a/b", "master", "github.com/a/b"),
        ("salt://o2", "salt://o2", "", "o2"),
        ("salt://o2?saltenv=v1", "salt://o2", "v1", "o2"),
    ],
)
def test_an_address_is_a_repository_and_a_revision(text, repository, revision, name):
    address = parse_address(text)
    assert (address.repository, address.revision, address.name) == (repository, revision, name)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("github.com/a/b", "https://github.com/a/b"),
        ("git@host:a/b", "git@host:a/b"),
        ("ssh://host/a", "ssh://host/a"),
    ],
)
def test_an_address_that_git_fetches_becomes_a_full_url(text, url):
    assert is_url(text)
    assert full_url(text) == url


@pytest.mark.parametrize("text", ["/srv/o2", "./o2", "../o2", "o2"])
def test_a_path_is_not_taken_for_a_url(text):
    assert not is_url(text)


@pytest.mark.parametrize(("revision", "command"), [("", "v2"), ("v1", "v1"), ("side/branch", "v3")])
def test_a_revision_is_a_branch_or_a_tag(repository, tmp_path, revision, command):
    source = GitRepository(str(repository), tmp_path / "cache").at(revision)
    assert command_of(source) == command
    assert source.revision() == git(repository, "rev-parse", revision or "main")


def test_a_revision_is_a_commit(repository, tmp_path):
    commit = git(repository, "rev-parse", "v1")
    source = GitRepository(str(repository), tmp_path / "cache").at(commit)
    assert (command_of(source), load(source, "w").revision) == ("v1", commit)


def test_a_branch_that_went_on_is_followed(repository, tmp_path):
    known = GitRepository(str(repository), tmp_path / "cache")
    assert command_of(known.at("main")) == "v2"
    write(repository, 9)
    git(repository, "commit", "--quiet", "-am", "9")
    assert command_of(known.at("main")) == "v9"


def test_an_unreachable_repository_is_used_from_the_cache(repository, tmp_path):
    known = GitRepository(str(repository), tmp_path / "cache")
    known.at("main")
    repository.rename(tmp_path / "gone")
    assert command_of(known.at("v1")) == "v1"


@pytest.mark.parametrize("revision", ["none", "--upload-pack=x", "-x", "a b", "v1^{/x}"])
def test_a_revision_that_is_not_there_is_refused(repository, tmp_path, revision):
    with pytest.raises(UnknownNameError):
        GitRepository(str(repository), tmp_path / "cache").at(revision)


@pytest.mark.parametrize("url", ["ext::sh -c 'touch /tmp/pwned'", "/nowhere", "--upload-pack=x"])
def test_a_repository_that_is_not_there_is_refused(tmp_path, url):
    with pytest.raises(UnknownNameError):
        GitRepository(url, tmp_path / "cache").at()


def site(tmp_path, *listed, **more):
    return SiteRepositories(listed, tmp_path / "cache", **more)


def test_a_template_includes_from_another_repository_of_the_site(repository, tmp_path):
    own = tmp_path / "own"
    (own / "workflows").mkdir(parents=True)
    include = "name: mine\nroles: [{name: i, include: %s/workflows/w@v1}]\n"
    (own / "workflows" / "mine.yaml").write_text(include % "o2/flows")
    known = site(tmp_path, str(own), str(repository))
    workflow = load(known.open(known.listed[0]), "mine")
    assert workflow.tasks[0].template.command.value.constant == "v1"


def test_a_template_cannot_bring_in_a_repository_that_the_site_has_not(repository, tmp_path):
    own = tmp_path / "own"
    (own / "workflows").mkdir(parents=True)
    text = "name: mine\nroles: [{name: i, include: evil.example/x/workflows/w@v1}]\n"
    (own / "workflows" / "mine.yaml").write_text(text)
    known = site(tmp_path, str(own))
    with pytest.raises(TemplateError, match=r"no repository evil\.example/x"):
        load(known.open(known.listed[0]), "mine")


def test_another_revision_of_its_own_repository_can_be_included(repository, tmp_path):
    (repository / "workflows" / "old.yaml").write_text(
        "name: old\nroles: [{name: i, include: w@v1}, {name: j, include: w}]\n"
    )
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "old")
    known = site(tmp_path, str(repository))
    workflow = load(known.open(Address(str(repository), "main")), "old")
    assert [task.template.command.value.constant for task in workflow.tasks] == ["v1", "v2"]


def test_salts_fileserver_is_a_repository(tmp_path):
    asked = []

    def serve(path, saltenv):
        asked.append((path, saltenv))
        return {
            "workflows/w.yaml": WORKFLOW.encode(),
            "tasks/t.yaml": (TASK % 7).encode(),
            "top.sls": b"nothing of ours",
        }

    known = site(tmp_path, "salt://o2?saltenv=v7", fileserver=serve)
    source = known.open(known.listed[0])
    assert (command_of(source), asked) == ("v7", [("o2", "v7")])
    assert source.revision().startswith("sha256:")


def test_salts_fileserver_is_known_on_a_master_only(tmp_path):
    known = site(tmp_path, "salt://o2")
    with pytest.raises(UnknownNameError, match="by a Salt master only"):
        known.open(known.listed[0])


@pytest.mark.finding("X22")
def test_no_name_and_no_error_of_a_repository_has_its_secret(tmp_path):
    url = "https://git:hunter2@127.0.0.1:9/x.git?private_token=hunter2"
    repositories = site(tmp_path, url)
    assert repositories.listed[0].name == "127.0.0.1/9/x"
    for wanted in (url + "x", url):
        with pytest.raises(UnknownNameError) as caught:
            repositories.find(wanted, "", Directory(""))
        assert "hunter2" not in str(caught.value)
