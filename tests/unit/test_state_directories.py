"""Where agent and control keep what they must not lose: never in a cache, and never two in one place."""

import os
from pathlib import Path

import pytest
import salt.config

from salt_o2.where import state_directory


def options(role, root, **more):
    """The options of a master or minion as Salt itself completes them."""
    read = salt.config.apply_minion_config if role == "minion" else salt.config.apply_master_config
    defaults = salt.config.DEFAULT_MINION_OPTS if role == "minion" else salt.config.DEFAULT_MASTER_OPTS
    given = {"root_dir": str(root), "id": "flp1", **more}
    return (
        read(given, defaults=defaults)
        if role == "master"
        else read(given, defaults=defaults, minion_id=False)
    )


PARTS = [("minion", "agent"), ("master", "control")]


@pytest.mark.parametrize(("role", "part"), PARTS)
def test_a_default_salt_stores_files_at_the_paths_of_the_states(role, part):
    assert state_directory(options(role, "/"), part) == Path("/var/lib/o2") / part


@pytest.mark.parametrize(("role", "part"), PARTS)
def test_a_salt_with_a_root_directory_stores_files_below_that_directory(tmp_path, role, part):
    found = state_directory(options(role, tmp_path), part)
    assert found == tmp_path / "var" / "lib" / "o2" / part


@pytest.mark.parametrize(("role", "part"), PARTS)
@pytest.mark.parametrize("root", ["/", "own"], ids=["no-root", "root"])
def test_no_default_lies_in_salts_cache(tmp_path, role, part, root):
    for more in ({}, {"pki_dir": str(tmp_path / "keys")}, {"cachedir": str(tmp_path / "cache")}):
        opts = options(role, root if root == "/" else tmp_path / root, **more)
        found = state_directory(opts, part)
        assert not found.is_relative_to(opts["cachedir"])
        assert "cache" not in found.parts


def test_two_minions_of_one_machine_and_user_have_separate_directories(tmp_path):
    places = {
        state_directory(options("minion", "/", pki_dir=str(tmp_path / name / "pki")), "agent")
        for name in ("flp1", "flp2")
    }
    places |= {
        state_directory(options("minion", "/", pki_dir=str(tmp_path / "pki" / name)), "agent")
        for name in ("flp1", "flp2")
    }
    assert len(places) == 4
    for place in places:
        place.mkdir(parents=True)
        assert os.access(place, os.W_OK)
