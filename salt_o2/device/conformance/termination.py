"""Rules about the end of a device."""

import signal

from salt_o2.device.conformance.device_under_test import Subject, Trial, expect
from salt_o2.occ import fairmq_states as n


async def end(trial: Trial) -> None:
    """END ends it with exit code 0, after its reply."""
    device = await trial.start()
    await device.go(n.IDLE, "END", n.EXITING)
    await device.ends(0)


async def term(trial: Trial) -> None:
    """SIGTERM ends it with exit code 0 from any state."""
    await _signalled(trial, signal.SIGTERM, 0)


async def interrupt(trial: Trial) -> None:
    """SIGINT ends it with exit code 0 from any state."""
    await _signalled(trial, signal.SIGINT, 0)


async def term_twice(trial: Trial) -> None:
    """A second SIGTERM does no harm."""
    device = await trial.start()
    await _run(trial, device)
    device.process.send_signal(signal.SIGTERM)
    device.process.send_signal(signal.SIGTERM)
    await device.ends(0)


async def hang_up(trial: Trial) -> None:
    """SIGHUP ends it at once."""
    device = await trial.start()
    device.process.send_signal(signal.SIGHUP)
    await device.ends(-signal.SIGHUP)


async def abandoned(trial: Trial) -> None:
    """It goes on when its controller goes away, and serves the next."""
    device = await trial.start()
    await _run(trial, device)
    await device.channel.close()
    expect(await device.state() == n.RUNNING, f"it is {await device.state()}")
    await device.go(n.RUNNING, "STOP", n.READY)


async def _signalled(trial: Trial, number: signal.Signals, code: int) -> None:
    for until in (n.IDLE, n.INITIALIZED, n.BOUND, n.READY):
        device = await trial.start()
        await device.configure(trial.properties(), until=until)
        device.process.send_signal(number)
        await device.ends(code)
    device = await trial.start()
    await _run(trial, device)
    device.process.send_signal(number)
    await device.ends(code)


async def _run(trial: Trial, device: Subject) -> None:
    await device.configure(trial.properties(bind=False))
    await device.go(n.READY, "RUN", n.RUNNING)


RULES = (end, term, interrupt, term_twice, hang_up, abandoned)
