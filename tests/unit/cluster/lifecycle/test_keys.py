"""Keys that Salt takes for its own, accepted before anything starts."""

import subprocess
import sys

import pytest

from salt_o2.cluster.lifecycle.keys import prepare_keys
from salt_o2.cluster.paths import Layout


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Layout(tmp_path_factory.mktemp("keys"))
    prepare_keys(place, ("flp1", "flp2"))
    return place


SALT_SIGNS = """
import sys
from salt.crypt import PrivateKey, PublicKey
private, public = PrivateKey.from_file(sys.argv[1]), PublicKey.from_file(sys.argv[2])
print(public.verify(b"hello", private.sign(b"hello")))
"""


def test_salt_signs_and_verifies_with_the_keys(place):
    pair = (place.keys("flp1") / "minion.pem", place.keys("master") / "minions" / "flp1")
    done = subprocess.run(
        [sys.executable, "-c", SALT_SIGNS, *map(str, pair)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"


def test_every_minion_knows_its_master(place):
    known = (place.keys("flp2") / "minion_master.pub").read_bytes()
    assert known == (place.keys("master") / "master.pub").read_bytes()


def test_minions_have_different_keys(place):
    assert (place.keys("flp1") / "minion.pub").read_bytes() != (
        place.keys("flp2") / "minion.pub"
    ).read_bytes()


@pytest.mark.parametrize(("daemon", "name"), [("master", "master"), ("flp1", "minion")])
def test_other_accounts_cannot_read_a_private_key(place, daemon, name):
    assert (place.keys(daemon) / f"{name}.pem").stat().st_mode & 0o077 == 0


def test_keys_are_kept_when_the_cluster_starts_again(place):
    before = (place.keys("flp1") / "minion.pem").read_bytes()
    prepare_keys(place, ("flp1", "flp2", "flp3"))
    assert (place.keys("flp1") / "minion.pem").read_bytes() == before
    assert (place.keys("master") / "minions" / "flp3").exists()
