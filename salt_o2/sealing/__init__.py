"""Sessions between agents and control: sign-in, sealing, numbering.

Salt authenticates neither side well enough: every minion can read what the master publishes and can imitate
the fields of another minion's events. So agent and control agree on a key at sign-in, and seal everything
between them with it. The protocol is described in docs/decisions/0076-sessions-of-agents.md.

    handshake.py      the messages of a sign-in, how they are signed and checked
    identity.py       long-term keys: the minion's, the master's
    exchange.py       the key exchange of one session
    channel.py        seals and opens the messages of one session
    agent_session.py  the agent's side: one session with control
    host_sessions.py  control's side: the sessions of all hosts

This package does no I/O. Only :mod:`salt_o2.bus` uses it.
"""
