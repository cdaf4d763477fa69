"""Define the keys of the template language, as tables: the reader accepts these keys only."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "flag", "number", "list", "mapping"]


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its kind of value, and its meaning."""

    kind: Kind
    meaning: str
    required: bool = False


Table = dict[str, Key]

ROLE: Table = {
    "name": Key("text", "segment of the role's path; templated", required=True),
    "description": Key("text", "what the role is for; of the root: shown in lists of workflows"),
    "enabled": Key("text", "the role exists only where this renders to true or 1"),
    "defaults": Key("mapping", "variables that anything else overrides"),
    "vars": Key("mapping", "variables that override defaults, and are overridden by the user's"),
    "constraints": Key("list", "attributes that the host must have: {attribute, value}"),
    "bind": Key("list", "channels that the tasks below bind"),
    "connect": Key("list", "channels that the tasks below connect, with their targets"),
    "for": Key("mapping", "makes one role for each of a range of values: an iterator"),
    "roles": Key("list", "child roles: an aggregator"),
    "task": Key("mapping", "the task that the role holds"),
    "call": Key("mapping", "a function of an integration, called at a moment"),
    "include": Key("text", "another workflow in the place of this role; templated"),
    "tolerate": Key(
        "text", "how many of its children it can lose: a number, a fraction or a percentage; templated"
    ),
}
LOOP: Table = {
    "begin": Key("text", "first number; templated"),
    "end": Key("text", "last number, which is part of the range; templated"),
    "range": Key("text", "JSON list of the values; templated"),
    "var": Key("text", "name of the variable that takes each value", required=True),
}
TASK: Table = {
    "load": Key("text", "class of the task: name of its template; templated", required=True),
    "critical": Key("flag", "whether its failure is a failure of the environment; true unless given"),
    "ends_data": Key(
        "flag",
        "whether the end of its program with exit code 0 ends the run's data although it is not critical; "
        "false unless given",
    ),
    "trigger": Key("text", "makes it a hook, which runs at this moment and must end by itself; templated"),
    "await": Key("text", "without meaning: a hook is waited for at the moment at which it runs"),
    "timeout": Key("text", "how long a hook may run, as in 1m30s; 30s unless given, or if 0s; templated"),
}
CALL: Table = {
    "func": Key("text", "what is called, as in trg.RunStart(); computed when it is called", required=True),
    "return": Key("text", "variable that takes what it returns; templated"),
    "trigger": Key("text", "moment at which it is called; templated", required=True),
    "await": Key("text", "moment that waits for its end; that of the trigger unless given; templated"),
    "timeout": Key("text", "how long it may take, as in 1m30s; 30s unless given, or if 0s; templated"),
    "critical": Key("flag", "whether its failure is a failure of the environment; true unless given"),
}
CONSTRAINT: Table = {
    "attribute": Key("text", "attribute of a host", required=True),
    "value": Key("text", "what it must be, or have in its comma-separated list; templated", required=True),
}
CHANNEL: Table = {
    "name": Key("text", "FairMQ's name of the channel", required=True),
    "type": Key("text", "push, pull, pub or sub"),
    "transport": Key("text", "default, zeromq, shmem or nanomsg"),
    "sndBufSize": Key("text", "length of the queue of messages to send"),
    "rcvBufSize": Key("text", "length of the queue of received messages"),
    "rateLogging": Key("text", "seconds between log lines of the rate; 0 for none"),
}
BIND: Table = CHANNEL | {
    "addressing": Key("text", "tcp or ipc"),
    "global": Key("text", "name by which every role can connect to it, as ::name; templated"),
    "target": Key("text", "tcp:// or ipc:// address to bind instead of one that is found; templated"),
}
CONNECT: Table = CHANNEL | {
    "target": Key("text", "<role.path>:<channel>, ::<global name> or an address; templated")
}
TASK_TEMPLATE: Table = {
    "name": Key("text", "class of the task; the same as the file's name", required=True),
    "description": Key("text", "what the task is for"),
    "defaults": Key("mapping", "variables that anything else overrides"),
    "vars": Key("mapping", "variables that override the template's defaults, and nothing else"),
    "control": Key("mapping", "how the task is driven"),
    "command": Key("mapping", "how its process is started", required=True),
    "wants": Key("mapping", "resources that it needs"),
    "limits": Key("mapping", "resources that it must not exceed"),
    "bind": Key("list", "channels that it binds"),
    "connect": Key("list", "channels that it connects; their targets come from the role"),
    "properties": Key("mapping", "what CONFIGURE pushes beside channels; templated"),
    "constraints": Key("list", "attributes that the host must have: {attribute, value}"),
}
CONTROL: Table = {"mode": Key("text", "direct, fairmq or basic")}
COMMAND: Table = {
    "value": Key("text", "the program, or with shell the command line; templated", required=True),
    "arguments": Key("list", "its arguments; templated; one whose expressions leave it empty is omitted"),
    "shell": Key("flag", "whether /bin/sh runs it; false unless given"),
    "env": Key("list", "NAME=VALUE entries; templated"),
    "user": Key("text", "account it runs as, of those that its host lists; empty: the first; templated"),
    "stdout": Key("text", "none, stdout or all; templated"),
    "stderr": Key("text", "none, stdout or all; templated"),
    "log": Key("text", "older name of stdout"),
    "grace": Key("number", "seconds between SIGTERM and SIGKILL of a basic task, 0.1 to 60; 1 unless given"),
}
WANTS: Table = {
    "cpu": Key("number", "cores"),
    "memory": Key("number", "megabytes"),
    "ports": Key("text", "static TCP ports: 8080-8083,9091"),
}
LIMITS: Table = {
    "cpu": Key("number", "cores; -1 for no limit"),
    "memory": Key("number", "megabytes; -1 for no limit"),
    "pids": Key("number", "processes and threads; -1 for no limit"),
}
PUBLIC: Table = {
    "value": Key("text", "the default"),
    "type": Key("text", "string, number, bool, list or map"),
    "label": Key("text", "what a form calls it"),
    "description": Key("text", "what a form says of it"),
    "widget": Key("text", "how a form edits it"),
    "panel": Key("text", "where a form has it"),
    "values": Key("list", "allowed values"),
    "index": Key("number", "its place in the panel"),
    "rows": Key("number", "lines of its editor"),
    "visibleif": Key("text", "when a form shows it"),
    "enabledif": Key("text", "when a form lets it be changed"),
}
"""A variable described for forms: a mapping tagged ``!public``."""
