"""Templates in Salt's own fileserver, read as the master reads it; no daemon is needed."""

import json

import pytest
import salt.config

from salt_o2.bus import fileserver
from salt_o2.core.errors import UnknownNameError
from salt_o2.site import workflow_index
from salt_o2.workflow import load

pytestmark = pytest.mark.integration


@pytest.fixture
def opts(tmp_path):
    """A master's options with one workflow below flows/ in the file roots."""
    root = tmp_path / "root"
    for name, text in {
        "flows/workflows/served.yaml": "name: served\nroles: [{name: x, task: {load: t}}]\n",
        "flows/tasks/t.yaml": "name: t\ncommand: {value: x}\n",
        "flows/jit/command": "true",
        "flows/readme.txt": "nothing of ours",
        "other/workflows/hidden.yaml": "name: hidden\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    paths = {"root_dir": str(tmp_path), "cachedir": str(tmp_path / "cache"), "pki_dir": str(tmp_path / "pki")}
    config = {**paths, "file_roots": {"base": [str(root)]}, "fileserver_backend": ["roots"]}
    (tmp_path / "master").write_text(json.dumps(config))
    return salt.config.master_config(str(tmp_path / "master"))


def test_the_files_below_a_path_are_read(opts):
    found = fileserver.read(opts, "flows", "base")
    assert sorted(found) == ["jit/command", "tasks/t.yaml", "workflows/served.yaml"]
    assert found["jit/command"] == b"true"


def test_a_path_without_templates_is_refused_by_name(opts):
    with pytest.raises(UnknownNameError, match="no templates at salt://nothing in saltenv base"):
        fileserver.read(opts, "nothing", "base")


def test_a_workflow_is_loaded_from_the_fileserver(opts, tmp_path):
    listed = workflow_index.SiteResources.of(
        ["salt://flows"], tmp_path / "trees", lambda path, saltenv: fileserver.read(opts, path, saltenv)
    )
    workflow = load(workflow_index.find(listed, "served"), "served")
    assert [task.path for task in workflow.tasks] == ["served.x"]
    assert workflow.revision.startswith("sha256:")
