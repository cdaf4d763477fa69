"""coconut doctor on a private cluster, healthy and not."""

import json

import pytest

pytestmark = pytest.mark.integration


def verdicts(cluster, *words):
    done = cluster.run("coconut", "doctor", "--json", *words)
    report = json.loads(done.stdout)
    return done.returncode, {each["check"]: (each["level"], each["found"]) for each in report["verdicts"]}


def test_master_and_minion_of_a_live_cluster_answer(cluster):
    code, found = verdicts(cluster)
    assert code == 0
    for role in ("master", "minion"):
        assert found[f"{role}'s engine"][0] == "ok"
        assert found[f"{role}'s socket"][0] == "ok"
    assert found["salt"][0] == "ok"


def test_doctor_without_daemons_fails_with_advice(cluster, tmp_path):
    (tmp_path / "minion").write_text(f"sock_dir: {tmp_path}\nengines: [{{o2_agent: {{}}}}]\n")
    done = cluster.run("coconut", "doctor", "-c", str(tmp_path))
    assert done.returncode == 1
    assert "[FAIL] minion's engine: o2_agent: no agent listens" in done.stdout
    assert "-> is salt-minion running?" in done.stdout
