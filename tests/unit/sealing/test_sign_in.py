"""A sign-in: who may have a session, and what each message leads to in each state."""

import pytest

from salt_o2.core.errors import InvalidRequestError
from salt_o2.sealing import handshake
from salt_o2.sealing.agent_session import SessionState
from salt_o2.sealing.host_sessions import MOST_ESTABLISHED, MOST_OFFERED, Speaker, UnknownSession
from salt_o2.sealing.identity import PrivateKey, PublicKey
from tests.support.harness.sign_in import Site, private, sign_in


@pytest.fixture
def site():
    return Site()


@pytest.fixture
def control(site):
    return site.control()


@pytest.fixture
def agent(site):
    return site.agent("flp1")


def test_agent_and_control_reach_each_other_after_a_sign_in(agent, control):
    assert sign_in(agent, control) == (Speaker("flp1", "1"), b"first")
    assert agent.open(control.seal("flp1", b"an order")) == b"an order"
    assert agent.state is SessionState.ESTABLISHED


def test_nothing_is_sealed_before_the_sign_in(agent, control):
    assert agent.state is SessionState.SIGNED_OUT
    assert control.seal("flp1", b"an order") is None
    with pytest.raises(InvalidRequestError, match="no session"):
        agent.seal(b"a report")


def test_a_session_is_established_by_the_first_message_only(agent, control):
    _, welcome = control.take_hello(agent.greet())
    agent.take_welcome(welcome)
    assert control.seal("flp1", b"an order") is None
    control.open(agent.seal(b"a report"))
    assert control.seal("flp1", b"an order") is not None


def test_a_host_without_an_accepted_key_is_refused(site, control):
    with pytest.raises(InvalidRequestError, match="accepted no key of a host 'ghost1'"):
        control.take_hello(site.agent("ghost1").greet())


def test_a_host_that_speaks_for_another_is_refused(site, control):
    with pytest.raises(InvalidRequestError, match="not signed with the key of flp1"):
        control.take_hello(site.agent("flp1", key="flp2").greet())


def test_a_hello_with_another_incarnation_is_refused(site, control):
    hello = handshake.read_hello(site.agent("flp1").greet())
    forged = handshake._encode(
        handshake.Hello(host="flp1", incarnation="2", exchange=hello.exchange, signature=hello.signature)
    )
    with pytest.raises(InvalidRequestError, match="not signed"):
        control.take_hello(forged)


def test_an_agent_believes_its_own_master_only(site, agent):
    false = site.control(master="another")
    with pytest.raises(InvalidRequestError, match="not signed by this host's master"):
        agent.take_invitation(false.invitation())
    with pytest.raises(InvalidRequestError, match="not signed by this host's master"):
        agent.take_welcome(false.take_hello(agent.greet())[1])
    assert agent.state is SessionState.GREETING


def test_a_welcome_that_is_signed_by_another_key_is_refused(site, agent, control):
    _, welcome = control.take_hello(agent.greet())
    true = handshake._decode(welcome, handshake.Welcome)
    forged = handshake._encode(
        handshake.Welcome(
            certificate=true.certificate,
            session=true.session,
            exchange=bytes(range(32)),
            hello=true.hello,
            signature=true.signature,
        )
    )
    with pytest.raises(InvalidRequestError, match="not signed by control"):
        agent.take_welcome(forged)


def test_an_unanswered_hello_is_sent_again_and_has_the_same_welcome(agent, control):
    assert agent.greet() == agent.greet()
    assert control.take_hello(agent.greet()) == control.take_hello(agent.greet())


def test_a_recorded_hello_leads_to_no_session(site, agent, control):
    recorded = agent.greet()
    sign_in(agent, control)
    for _ in range(MOST_OFFERED + 2):
        control.take_hello(recorded)
    assert agent.open(control.seal("flp1", b"an order")) == b"an order"
    assert control.incarnations("flp1") == ("1",)


def test_a_welcome_for_another_hello_changes_nothing(site, agent, control):
    former = control.take_hello(agent.greet())[1]
    agent.take_welcome(former)
    assert not agent.take_welcome(former)
    agent.greet()
    assert not agent.take_welcome(former)
    assert agent.state is SessionState.RENEWING


def test_a_new_run_of_control_invites_and_has_a_new_session(site, agent, control):
    sign_in(agent, control)
    assert not agent.take_invitation(control.invitation())
    later = site.control()
    assert agent.take_invitation(later.invitation())
    with pytest.raises(UnknownSession):
        later.open(agent.seal(b"a report"))
    assert sign_in(agent, later)[0] == Speaker("flp1", "1")
    assert agent.open(later.seal("flp1", b"an order")) == b"an order"


def test_a_host_that_is_invited_by_name_signs_in_again(site, agent, control):
    sign_in(agent, control)
    assert not agent.take_invitation(control.invitation("flp2"))
    assert agent.take_invitation(control.invitation("flp1"))


def test_a_session_works_until_the_next_one_is_established(agent, control):
    sign_in(agent, control)
    agent.greet()
    assert control.open(agent.seal(b"meanwhile"))[1] == b"meanwhile"
    assert agent.state is SessionState.RENEWING


def test_an_agent_that_was_restarted_has_the_commands(site, agent, control):
    sign_in(agent, control)
    following = site.agent("flp1", "2")
    sign_in(following, control)
    assert control.incarnations("flp1") == ("1", "2")
    assert following.open(control.seal("flp1", b"an order")) == b"an order"


def test_commands_go_to_the_incarnation_that_control_keeps_to(site, agent, control):
    sign_in(agent, control)
    clone = site.agent("flp1", "clone")
    sign_in(clone, control)
    sealed = control.seal("flp1", b"an order", incarnation="1")
    with pytest.raises(InvalidRequestError):
        clone.open(sealed)
    assert agent.open(sealed) == b"an order"


def test_another_host_cannot_open_an_order(site, agent, control):
    sign_in(agent, control)
    other = site.agent("flp2")
    sign_in(other, control)
    with pytest.raises(InvalidRequestError):
        other.open(control.seal("flp1", b"DB_PASSWORD=hunter2"))


def test_a_host_that_is_forgotten_has_no_session(agent, control):
    sign_in(agent, control)
    agent.greet()
    control.take_hello(agent.greet())
    control.forget("flp1")
    assert control.seal("flp1", b"an order") is None
    with pytest.raises(UnknownSession):
        control.open(agent.seal(b"a report"))
    assert control._speakers == {}


def test_sessions_of_one_host_are_bounded(site, control):
    for number in range(3 * MOST_ESTABLISHED):
        sign_in(site.agent("flp1", str(number)), control)
    assert len(control.incarnations("flp1")) == MOST_ESTABLISHED
    assert len(control._speakers) == MOST_ESTABLISHED


@pytest.mark.parametrize("read", [PrivateKey.from_pem, PublicKey.from_pem])
def test_an_invalid_key_is_refused(read):
    with pytest.raises(InvalidRequestError, match="PEM"):
        read(b"nothing")


@pytest.mark.parametrize(
    "data", [b"", b"\x91" * 4000 + b"\xc0", b"\x81\xa4host\xa1\xff", b"\x81\xa1x" * 1200, bytes(5000)]
)
def test_an_invalid_hello_is_refused(control, data):
    with pytest.raises(InvalidRequestError, match="Hello"):
        control.take_hello(data)


def test_a_signature_for_one_purpose_serves_no_other():
    key = private("flp1")
    assert key.public.has_signed(b"hello", b"x", key.sign(b"hello", b"x"))
    assert not key.public.has_signed(b"hello", b"x", key.sign(b"welcome", b"x"))
