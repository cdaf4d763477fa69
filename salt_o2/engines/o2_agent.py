"""
Engine for Salt minions: the agent, which starts and drives the tasks of this host.

.. code-block:: yaml

    engines:
      - o2_agent: {}
    o2:
      address: 10.0.0.11        # where other hosts reach this one's channels; found if left out
      attributes:               # what constraints match; better in pillar
        rack: '7'

Of several masters in the minion's configuration the agent follows the first one that the minion is connected
to (``master_type: failover`` or a list of active masters); ``salt HOST o2.info`` says which.

``o2:`` of the minion's configuration overrides ``o2:`` of its pillar for the agent. Control compiles the
pillar of each host itself: attributes, address and port ranges that pillar declares win over what the agent
says, and an attribute that pillar declares for any host is believed from pillar alone. Tasks go on when the
engine ends.
"""

import asyncio
import dataclasses
import functools
import logging
import os
import pathlib

from salt_o2 import where
from salt_o2.agent import agent, request_handlers, server, settings
from salt_o2.bus import minion, minion_master
from salt_o2.concurrency import background_loops
from salt_o2.linux import supervisor

log = logging.getLogger(__name__)

__virtualname__ = "o2_agent"


def __virtual__():
    if __opts__.get("__role") != "minion":
        return False, "o2_agent runs on Salt minions"
    return __virtualname__


def start(**config):
    """
    Run the agent until the minion ends; ``config`` overrides ``o2:`` of the minion's configuration.
    """
    names = minion_master.configured(__opts__)
    masters = minion_master.Masters(dict(__opts__), os.getppid(), names)
    # Salt starts every engine once for each active master of a minion, and ends those of a master that it
    # does not reach. A host has one agent; any of the engines can run it.
    with supervisor.alone(pathlib.Path(__opts__["sock_dir"]) / "o2_agent.lock"):
        supervisor.supervised(functools.partial(_work, [__opts__.get("o2"), config], masters))


def _work(layers, masters):
    asyncio.run(_run(layers, masters))


async def _run(layers, masters):
    own, faults = settings.read_settings(*layers)
    directory, unmade = settings.directory_of(own, where.state_directory(__opts__, "agent"))
    for fault in (*faults, *unmade):
        log.error("a setting of the minion's configuration cannot be used, its default is: %s", fault)
    bus = minion.MinionBus(__opts__, masters)
    offered = settings.facts_of(own, (*faults, *unmade))
    ours = agent.Agent(
        __opts__["id"],
        directory,
        offered,
        bus.send,
        own.heartbeat_s,
        own.task_users,
        own.task_environment,
    )

    async def sign_in(pillar):
        own, faults = settings.read_settings(pillar.get("o2"), *layers)
        offered = settings.facts_of(own, (*faults, *unmade))
        ours.update_facts(dataclasses.replace(offered, master=bus.master, masters=masters.names))

    listener = minion.Listener(
        incarnation=ours.reporter.incarnation,
        on_message=ours.accept_message,
        on_question=request_handlers.RequestHandlers(ours).answer,
        signed_in=sign_in,
        established=ours.survey,
    )
    loops = {
        "agent": ours.run(),
        "bus": bus.run(listener),
        "requests": server.serve(ours, __opts__["sock_dir"], bus.deliver),
    }
    try:
        await background_loops.run_engine("agent", loops)
    finally:
        bus.close()
