"""Attempts of one user to get more than the runners of a role, by each of Salt's clients, on a real master.

    python role_attempts.py CONFIG_DIR < JSON

The JSON has a "login" (eauth, username, password) and "attempts", each with its "client". The answers come as
a JSON list. Each begins with what happened: "refused"; "impossible", if Salt has no such function or no such
form of a request; "begun", if an asynchronous client says nothing about the outcome; or "passed". It is a
program of its own because Salt's clients leave sockets and warnings behind.
"""

import functools
import inspect
import json
import sys
from pathlib import Path

import salt.client
import salt.config
import salt.exceptions
import salt.netapi
import salt.runner
import salt.wheel

REFUSALS = (
    salt.exceptions.EauthAuthenticationError,
    salt.exceptions.AuthenticationError,
    salt.exceptions.AuthorizationError,
    salt.exceptions.TokenAuthenticationError,
)
REFUSED = ("not authorized", "Authorization", "Authentication", "authentication", "Eauth", "not allowed")
IMPOSSIBLE = ("is not available", "Check syntax", "Some exception handling minion payload")


@functools.cache
def client_of_hosts(config):
    """Return the client for all attempts: it takes longer to make than an attempt, and remembers no login."""
    return salt.client.LocalClient(str(config / "master"))


def local(config, login, fun, arg, **more):
    return client_of_hosts(config).run_job("flp1", fun, arg, timeout=5, **{**more, **login})


def batch(config, login, fun, arg, **more):
    return list(client_of_hosts(config).cmd_batch("flp1", fun, arg, batch="1", **{**more, **login}))


def runner(config, login, fun, arg, **more):
    opts = salt.config.client_config(str(config / "master"))
    client = salt.runner.RunnerClient(opts)
    return client.master_call(fun=fun, arg=arg, kwarg=more, **login)


def wheel(config, login, fun, arg, **more):
    opts = salt.config.client_config(str(config / "master"))
    return salt.wheel.WheelClient(opts).master_call(fun=fun, arg=arg, kwarg=more, **login)


def netapi(config, login, fun, arg, **more):
    """What salt-api does with a request; ``more`` has the name of its client."""
    opts = salt.config.client_config(str(config / "master"))
    opts["netapi_enable_clients"] = list(salt.netapi.CLIENTS)
    low = {"fun": fun, "arg": arg, "tgt": "flp1", "client": more["kind"], **login}
    came = salt.netapi.NetapiClient(opts).run(low)
    return list(came) if inspect.isgenerator(came) else came


CLIENTS = {"local": local, "batch": batch, "runner": runner, "wheel": wheel, "netapi": netapi}


def tried(config, login, client, **what):
    try:
        said = json.dumps(CLIENTS[client](config, login, **what), default=str)
    except REFUSALS as error:
        return f"refused: {error}"
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
    return f"{outcome(said, what)}: {said}"


def outcome(said, what):
    if any(word in said for word in REFUSED):
        return "refused"
    if any(word in said for word in IMPOSSIBLE):
        return "impossible"
    return "begun" if what.get("kind", "").endswith("_async") else "passed"


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    place = Path(sys.argv[1])
    print(json.dumps([tried(place, asked["login"], **each) for each in asked["attempts"]]))
