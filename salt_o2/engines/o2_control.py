"""
Engine for the Salt master: control, the owner of all environments.

.. code-block:: yaml

    engines:
      - o2_control: {}
    o2:
      repositories: [/srv/o2]
"""

import asyncio
import functools
import logging
import pathlib

import salt.pillar

from salt_o2 import where
from salt_o2.bus import fileserver, host_pillar, master
from salt_o2.control import main
from salt_o2.linux import supervisor
from salt_o2.site import resources
from salt_o2.site import settings as site

log = logging.getLogger(__name__)

__virtualname__ = "o2_control"


def __virtual__():
    if __opts__.get("__role") != "master":
        return False, "o2_control runs on a Salt master"
    return __virtualname__


def start(**config):
    """
    Run control until the master ends; ``config`` overrides ``o2:`` of the master's configuration and pillar.
    """
    supervisor.supervised(functools.partial(_work, config))


def _work(config):
    default = where.state_directory(__opts__, "control") / "o2.sqlite"
    settings, faults = site.read_site(
        {"database": f"sqlite:///{default}"},
        __opts__.get("o2"),
        _pillar(__opts__),
        config,
    )
    if settings.database == f"sqlite:///{default}":
        default.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    asyncio.run(_run(settings, faults))


async def _run(settings, faults):
    bus = master.MasterBus(__opts__)
    try:
        around = resources.MasterContext(
            pillar=functools.partial(_pillar, dict(__opts__)),  # threads have no dunders
            pillar_of=functools.partial(host_pillar.o2_pillar, dict(__opts__)),
            fileserver=functools.partial(fileserver.read, dict(__opts__)),
            cache=pathlib.Path(__opts__["cachedir"]) / "o2",
        )
        await main.serve(settings, bus, bus.listen, pathlib.Path(__opts__["sock_dir"]), around, faults)
    finally:
        bus.close()


def _pillar(opts):
    """Return ``o2:`` of the pillar that the master itself is given, as runners see it."""
    name = opts["id"]  # Salt itself has put "_master" at its end
    compiled = salt.pillar.Pillar(opts, {"id": name}, name, "base").compile_pillar()
    for error in compiled.get("_errors", []):
        log.error("pillar of %s: %s", name, error)
    return compiled.get("o2") or {}
