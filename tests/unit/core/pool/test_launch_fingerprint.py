"""Launches have equal fingerprints exactly if they differ only by placement."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_o2.core.ids import ALPHABET
from salt_o2.core.plan.launch import Launch, Limits
from salt_o2.core.pool.launch_fingerprint import is_equivalent, launch_fingerprint
from salt_o2.core.states import ControlMode

IDS = st.text(ALPHABET, min_size=11, max_size=11)
PORTS = st.integers(20000, 32767)
HOSTS = st.sampled_from(["flp1", "flp10", "flp1.cern.ch", "epn-7"])


def launch(id="7AbRmBG3z2A", host="flp1", port=30001, **other):
    return Launch(
        **{
            "mode": ControlMode.FAIRMQ,
            "value": "readout",
            "arguments": (
                "--id",
                id,
                "--rate=300010",
                "--peers=flp100,epn-77",
                f"--log=/tmp/{host}/{id}.log",
                "--control-port",
                str(port),
            ),
            "env": (f"WHERE={host}:{port}",),
            "control_port": port,
            "ports": (port + 1,),
            "class_name": "readout",
            "revision": "abc",
        }
        | other
    )


@given(IDS, HOSTS, PORTS, IDS, HOSTS, PORTS)
def test_a_template_gives_one_fingerprint_on_any_host(id, host, port, other_id, other_host, other_port):
    left, right = launch(id, host, port), launch(other_id, other_host, other_port)
    assert launch_fingerprint(left, id, host) == launch_fingerprint(right, other_id, other_host)


DIFFERENT = {
    "program": {"value": "stfb"},
    "argument": {"arguments": ("--id", "7AbRmBG3z2A", "--rate=2")},
    "environment": {"env": ("WHERE=flp1:30001", "MORE=1")},
    "user": {"user": "flp"},
    "shell": {"shell": True},
    "mode": {"mode": ControlMode.DIRECT},
    "codec": {"codec": "OCC"},
    "output": {"stdout": "all"},
    "limits": {"limits": Limits(memory_mb=100)},
    "number of ports": {"ports": ()},
    "class": {"class_name": "stfb"},
    "revision": {"revision": "def"},
}


@pytest.mark.parametrize("other", DIFFERENT.values(), ids=DIFFERENT)
def test_launches_of_different_processes_have_different_fingerprints_and_are_not_equivalent(other):
    one, another = launch(), launch(**other)
    assert launch_fingerprint(one, "7AbRmBG3z2A", "flp1") != launch_fingerprint(
        another, "7AbRmBG3z2A", "flp1"
    )
    assert not is_equivalent(one, another)


def test_the_role_of_a_launch_does_not_change_its_equivalence():
    assert is_equivalent(launch(path="a.b", critical=False), launch(path="c.d"))


def test_a_port_is_not_found_in_a_longer_number_nor_a_host_in_a_longer_name():
    port = replace(launch(), arguments=("--rate=300010", "--peer=flp10"))
    assert launch_fingerprint(port, "7AbRmBG3z2A", "flp1")[2].arguments == ("--rate=300010", "--peer=flp10")


def test_a_fingerprint_is_a_key():
    one = launch()
    assert (
        len({launch_fingerprint(one, "7AbRmBG3z2A", "flp1"), launch_fingerprint(one, "7AbRmBG3z2A", "flp1")})
        == 1
    )
