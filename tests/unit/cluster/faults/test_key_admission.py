"""The key of a minion at its master: deleted, and accepted again."""

import threading

import pytest

from salt_o2.cluster.faults.key_admission import Admission
from salt_o2.cluster.paths import layout


@pytest.fixture
def place(tmp_path):
    """A master that has accepted the keys of two minions."""
    place = layout(tmp_path)
    for folder in ("minions", "minions_pre"):
        (place.keys("master") / folder).mkdir(parents=True)
    (place.home("master") / "cache").mkdir()
    for minion in ("flp1", "flp2"):
        (place.keys("master") / "minions" / minion).write_text(f"key of {minion}")
    return place


def accepted(place):
    folder = place.keys("master") / "minions"
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_key_that_is_refused_is_not_accepted_any_more_and_sessions_end(place):
    Admission(place, "flp1", "o2_master").refuse()
    assert accepted(place) == {"flp2": "key of flp2"}
    dropped = place.home("master") / "cache" / ".dfn"
    assert dropped.read_text() == "o2_master"
    assert dropped.stat().st_mode == 0o100400


def test_a_key_that_is_accepted_again_is_the_same_and_does_not_wait_any_more(place):
    admission = Admission(place, "flp1", "o2_master")
    before = accepted(place)
    admission.refuse()
    (place.keys("master") / "minions_pre" / "flp1").write_text("key of flp1")
    admission.accept()
    assert accepted(place) == before
    assert list((place.keys("master") / "minions_pre").iterdir()) == []
    assert sorted(path.name for path in place.keys("master").iterdir()) == ["minions", "minions_pre"]


def test_a_key_that_was_never_refused_stays_accepted(place):
    before = accepted(place)
    Admission(place, "flp1", "o2_master").accept()
    assert accepted(place) == before


def test_a_sign_in_that_the_master_serves_meanwhile_leaves_the_key_accepted(place):
    admission, before = Admission(place, "flp1", "o2_master"), accepted(place)
    keys = place.keys("master")

    def late_worker():
        """Put the key among the pending ones, as a worker does that has seen no accepted key."""
        (keys / "minions" / "flp1").replace(keys / "minions_pre" / "flp1")

    admission.refuse()
    late = threading.Timer(0.1, late_worker)
    late.start()
    admission.accept()
    late.join()
    assert accepted(place) == before
    assert list((keys / "minions_pre").iterdir()) == []
