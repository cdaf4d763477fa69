"""How often devices are asked that do not tell where they are."""

import pytest

from salt_o2.agent.device.polling_budget import PER_CORE, SHORTEST_S, PollingBudget


def among(rounds, devices):
    for _ in range(devices):
        rounds.__enter__()
    return rounds


@pytest.mark.parametrize("devices", [0, 1, 2 * PER_CORE])
def test_few_devices_are_polled_every_second(devices):
    assert among(PollingBudget(cores=2), devices).period_s == SHORTEST_S


@pytest.mark.parametrize(("cores", "devices"), [(1, 50), (2, 50), (2, 200), (64, 5000)])
def test_the_polling_load_of_a_host_is_bounded_for_any_number_of_devices(cores, devices):
    rounds = among(PollingBudget(cores), devices)
    assert devices / rounds.period_s <= PER_CORE * cores


def test_an_ended_device_releases_its_share_of_the_budget():
    with PollingBudget(cores=1) as rounds:
        for _ in range(10 * PER_CORE):
            with rounds:
                pass
        assert rounds.period_s == SHORTEST_S


def test_a_large_host_asks_two_hundred_devices_every_second():
    assert among(PollingBudget(cores=64), 200).period_s == SHORTEST_S
