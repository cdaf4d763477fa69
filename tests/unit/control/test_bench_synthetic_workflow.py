"""The synthetic workflow of the bench has the size that its docstring names."""

from importlib import import_module
from pathlib import Path

import pytest

from salt_o2.cluster.paths import layout
from salt_o2.site.workflow_index import find
from salt_o2.workflow.expansion.loader import load

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(("variables", "tasks"), [({}, 50), ({"epns": "20"}, 60)], ids=["small", "grown"])
def test_the_workflow_of_the_bench_has_fifty_or_sixty_tasks(tmp_path, monkeypatch, variables, tasks):
    monkeypatch.syspath_prepend(str(ROOT))
    farm = import_module("bench.synthetic_workflow")
    name = farm.write(str(tmp_path))
    templates = layout(Path(tmp_path)).templates
    expanded = load(find([str(templates)], name), name, variables=variables)
    assert len(expanded.tasks) == tasks
    assert sum(".epn" in task.path for task in expanded.tasks) == tasks - 40
