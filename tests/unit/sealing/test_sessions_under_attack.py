"""Any message, in any order, from any sender: what control believes was said by the agent it is believed of.

The attacker reads all that is sent, and sends what it likes as often as it likes: recorded messages, changed
ones, and its own as a host of the site (flp2), whose key it has. Agents and control restart in between.
"""

from contextlib import suppress
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from salt_o2.core.errors import InvalidRequestError
from salt_o2.sealing.host_sessions import MOST_ESTABLISHED, MOST_OFFERED
from tests.support.harness.sign_in import Site


class Attack(RuleBasedStateMachine):
    """Agent flp1 and control speak over a network that belongs to the attacker, who also is host flp2."""

    def __init__(self):
        super().__init__()
        self.site = Site(random=Random(1))
        self.control, self.controls = self.site.control(), 1
        self.agent, self.agents = self.site.agent("flp1", "1"), 1
        self.liar = self.site.agent("flp2", "liar")
        self.up, self.down = [], []
        """All that was ever sent to control, and to agents."""
        self.said, self.heard = set(), []
        self.ordered, self.obeyed = set(), []

    picked = st.integers(0, 10**6)

    @rule()
    def agent_greets(self):
        self.up.append(self.agent.greet())

    @rule()
    def agent_signs_in(self):
        """The attacker lets all messages pass: single messages hardly ever lead to a session."""
        self.agent_greets()
        self.the_newest_messages_arrive()

    @rule()
    def agent_reports(self):
        if self.agent.is_established:
            message = f"{self.agent.incarnation}: {len(self.said)}".encode()
            self.said.add(message)
            self.up.append(self.agent.seal(message))

    @rule()
    def control_orders(self):
        message = f"order {len(self.ordered)}".encode()
        sealed = self.control.seal("flp1", message)
        if sealed is not None:
            self.ordered.add(message)
            self.down.append(sealed)

    @rule(by_name=st.booleans())
    def control_invites(self, by_name):
        self.down.append(self.control.invitation("flp1" if by_name else None))

    @rule()
    def agent_restarts(self):
        self.agents += 1
        self.agent = self.site.agent("flp1", str(self.agents))

    @rule()
    def control_restarts(self):
        self.control = self.site.control()

    @rule(which=picked, flip=st.none() | st.tuples(picked, st.integers(1, 255)))
    def attacker_delivers_up(self, which, flip):
        if self.up:
            self._to_control(_changed(self.up[which % len(self.up)], flip))

    @rule(which=picked, flip=st.none() | st.tuples(picked, st.integers(1, 255)))
    def attacker_delivers_down(self, which, flip):
        if self.down:
            self._to_agent(_changed(self.down[which % len(self.down)], flip))

    @rule()
    def the_newest_messages_arrive(self):
        for message in self.up[-1:]:
            self._to_control(message)
        for message in self.down[-1:]:
            self._to_agent(message)

    @rule()
    def attacker_speaks_as_its_own_host(self):
        with suppress(InvalidRequestError):
            self.liar.take_welcome(self.control.take_hello(self.liar.greet())[1])
            self._to_control(self.liar.seal(b"lie"))

    def _to_control(self, data):
        with suppress(InvalidRequestError):
            self.down.append(self.control.take_hello(data)[1])
        with suppress(InvalidRequestError):
            self.heard.append(self.control.open(data))

    def _to_agent(self, data):
        for take in (self.agent.take_invitation, self.agent.take_welcome):
            with suppress(InvalidRequestError):
                take(data)
        with suppress(InvalidRequestError):
            self.obeyed.append(self.agent.open(data))

    @invariant()
    def control_believes_only_what_its_agent_said(self):
        for speaker, message in self.heard:
            if speaker.host == "flp1":
                assert message in self.said
                assert message.startswith(f"{speaker.incarnation}:".encode())
            else:
                assert message == b"lie"

    @invariant()
    def nothing_is_believed_or_obeyed_twice(self):
        true = [message for speaker, message in self.heard if speaker.host == "flp1"]
        assert len(true) == len(set(true))
        assert len(self.obeyed) == len(set(self.obeyed))

    @invariant()
    def the_agent_obeys_only_what_control_ordered(self):
        assert set(self.obeyed) <= self.ordered

    @invariant()
    def memory_is_bounded(self):
        assert len(self.control._speakers) <= 2 * (MOST_ESTABLISHED + MOST_OFFERED)

    def teardown(self):
        """However it was attacked: once the attacker is silent, a sign-in leads to a session."""
        agent = self.site.agent("flp1", "last")
        assert agent.take_welcome(self.control.take_hello(agent.greet())[1])
        assert self.control.open(agent.seal(b"well"))[1] == b"well"
        assert agent.open(self.control.seal("flp1", b"well")) == b"well"


def _changed(data, flip):
    if flip is None:
        return data
    at, by = flip
    changed = bytearray(data)
    changed[at % len(changed)] ^= by
    return bytes(changed)


TestAttack = Attack.TestCase
TestAttack.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
