"""The site as a whole. A part of the runner ``o2``, see o2.py."""

import glob
import pathlib
from dataclasses import asdict

import salt.pillar
import salt.utils.minions
import salt.utils.yaml

from salt_o2.client import control_client, runner_output
from salt_o2.core.errors import UnreachableError
from salt_o2.site import check_facts
from salt_o2.site import checks as site_check_
from salt_o2.where import packaged

__virtualname__ = "o2"


def __virtual__():
    return __virtualname__


def site_check():
    """
    Find problems of this site: keys and types in pillar and configuration, port ranges, detectors with
    unknown hosts, hosts without attributes, missing repositories and reactor rules.

    It changes nothing. The exit code is 1 if there is a problem.

    CLI Example:

    .. code-block:: bash

        salt-run o2.site_check
    """
    facts = _site_facts()
    found = [
        asdict(each)
        for each in site_check_.check(facts, lambda path: pathlib.Path(path, "workflows").is_dir())
    ]
    report = {"problems": found, "hosts": len(facts.hosts), "retcode": 1 if found else 0}
    return runner_output.with_outputter(__opts__, report)


def _site_facts():
    known, faults = _known()
    own, *rest = [_pillar(minion) for minion in (__opts__["id"], *_accepted())]
    wired = {tag: rules for line in __opts__.get("reactor") or () for tag, rules in line.items()}
    return check_facts.SiteFacts(
        config=_block(__opts__),
        pillar=_block(own),
        hosts={each["id"]: _block(each) for each in rest},
        known=known,
        faults=faults,
        pillar_errors={each["id"]: each["_errors"] for each in (own, *rest) if each.get("_errors")},
        engines=[name for engine in __opts__.get("engines") or () for name in engine],
        wired=wired,
        ours=_our_tags(),
        rules={path: _text(path) for paths in wired.values() for path in paths},
        options={name: __opts__.get(name) or {} for name in ("external_auth", "publisher_acl")},
        functions=[name for name in __salt__ if name.startswith("o2.")],
    )


def _accepted():
    return sorted(salt.utils.minions.CkMinions(__opts__).check_minions("*")["minions"])


def _pillar(minion):
    """Compile the pillar of a minion, with the last grains that the master has of it."""
    grains = salt.utils.minions.get_minion_data(minion, __opts__)[1] or {}
    compiled = salt.pillar.Pillar(__opts__, {**grains, "id": minion}, minion, "base").compile_pillar()
    return {**compiled, "id": minion}


def _block(settings):
    """Return ``o2:`` of settings; the daemon that reads it reports a value that is not a mapping."""
    found = settings.get("o2")
    return found if isinstance(found, dict) else {}


def _known():
    """Return the attributes of each known host, and the settings that hosts and control cannot use."""
    socket = pathlib.Path(__opts__["sock_dir"]) / "o2_control.ipc"
    try:
        with control_client.ControlClient(socket) as control:
            hosts, own = control.request("host_list"), control.request("info")
    except UnreachableError:
        return None, {}
    faults = {each["id"]: each["faults"] for each in hosts} | {site_check_.CONTROL: own["unused"]}
    return {each["id"]: each["attributes"] for each in hosts}, faults


def _our_tags():
    rules = salt.utils.yaml.safe_load((packaged("reactor") / "rules.conf").read_text())["reactor"]
    return [tag for line in rules for tag in line]


def _text(path):
    """Return the text of a rule, or of all that a glob names; None if there is none."""
    if path.startswith("salt://"):
        return ""
    found = sorted(glob.glob(path))  # noqa: PTH207  as Salt's reactor does, which takes relative paths too
    return "\n".join(pathlib.Path(each).read_text() for each in found) if found else None
