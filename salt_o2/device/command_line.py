"""Command line of a device: the FairMQ options that apply here, and the device's own options.

Unknown options are accepted without a message, as in FairMQ, because task templates contain many of them.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from salt_o2.core.errors import InvalidRequestError
from salt_o2.device.properties import Properties
from salt_o2.device.transport.channel_settings import NUMBERS

DEFAULT_PORT = 47100
PLUGINS = ("OCC", "OCClite")
BUILTIN = ("control", "config")
"""Plugins that are built into FairMQ. Naming them has no effect here."""
PREFIXES = ("d:", "p:", "s:")

TEXTS = {
    "id": ("", "name of the device"),
    "session": ("default", "name of the session"),
    "severity": ("info", "least severity of lines: trace, debug, info, state, warn, error, fatal, nolog"),
    "transport": ("zeromq", "transport of channels that do not name one; shmem is not available"),
    "color": ("true", "accepted; the output has no colours"),
    "control": ("", "static: go to RUNNING without a controller"),
    "config-key": ("", "accepted"),
}
WHOLE_NUMBERS = {
    "io-threads": (1, "number of ZeroMQ's threads"),
    "init-timeout": (120, "seconds that host names may take to become known in CONNECT"),
}

Options = Mapping[str, tuple[str | int | float | bool, str]]


def parse(arguments: Sequence[str], own: Options, program: str) -> argparse.Namespace:
    """Parse the command line of a device that declares the options ``own``. Exit after ``--help``."""
    parser = argparse.ArgumentParser(program, allow_abbrev=False, argument_default=argparse.SUPPRESS)
    mine = parser.add_argument_group("options of this device")
    for name, (default, text) in own.items():
        mine.add_argument(f"--{name}", type=_type_of(default), default=default, help=f"{text} [{default}]")
    common = parser.add_argument_group("options of every device")
    for name, (default, text) in (TEXTS | WHOLE_NUMBERS).items():
        common.add_argument(f"--{name}", type=type(default), default=default, help=f"{text} [{default}]")
    if "rate" not in own:
        common.add_argument("--rate", type=float, default=0.0, help="calls of conditional_run per second")
    common.add_argument("--control-port", default=str(DEFAULT_PORT), help=f"[{DEFAULT_PORT}]")
    common.add_argument("--channel-config", nargs="+", action="extend", default=[], metavar="name=X,type=..")
    common.add_argument(
        "--print-channels",
        action="store_true",
        default=False,
        help="print the channels of the device, and end",
    )
    common.add_argument("-S", "--plugin-search-path", nargs="*", default=[], help="accepted")
    common.add_argument("-P", "--plugin", nargs="+", action="extend", default=[], help="OCC or OCClite")
    return parser.parse_known_args(arguments)[0]


def properties_of(found: argparse.Namespace) -> Properties:
    """Return all options as properties, including the channels.

    Raises:
        InvalidRequestError: if a ``--channel-config`` is malformed.
    """
    names = {name.replace("_", "-"): value for name, value in vars(found).items()}
    properties = Properties(names)
    for text in names.pop("channel-config"):
        properties.update(channel_properties(text, properties))
    return properties


def channel_properties(text: str, existing: Mapping[str, Any]) -> dict[str, Any]:
    """Parse one ``name=X,type=..,method=..,address=..`` as the next socket of channel X.

    Raises:
        InvalidRequestError: if the name is missing or a number is malformed.
    """
    pairs = [part.partition("=") for part in text.split(",")]
    fields = {key: value for key, _, value in pairs}
    name = fields.pop("name", "")
    if not name:
        raise InvalidRequestError(f"--channel-config {text}: there is no name=")
    addresses = [value for key, _, value in pairs if key == "address"] or ["unspecified"]
    index = sum(key.startswith(f"chans.{name}.") and key.endswith(".type") for key in existing)
    found: dict[str, Any] = {}
    for number, address in enumerate(addresses, start=index):
        prefix = f"chans.{name}.{number}."
        for key, value in (fields | {"address": address}).items():
            found[prefix + key] = _setting(text, key, value)
    return found


def printed_channels(endpoints: Mapping[str, str]) -> str:
    """Return the answer to ``--print-channels``: ``name:least:most:type`` for each channel.

    FairMQ prints ``name:least:most``, the numbers of sockets of a channel; the type is ours.
    """
    lines = [f"{name}:1:1:{kind}" for name, kind in endpoints.items()]
    return "\n".join(lines) or "no channels registered"


def codec_of(plugins: Sequence[str]) -> str | None:
    """Return the plugin that serves the control channel, ``OCC`` or ``OCClite``, or None.

    Raises:
        InvalidRequestError: for a plugin that does not exist.
    """
    chosen = None
    for name in plugins:
        bare = name[2:] if name.startswith(PREFIXES) else name
        if bare not in PLUGINS + BUILTIN:
            raise InvalidRequestError(f"Could not load dynamic plugin {name}: there are {', '.join(PLUGINS)}")
        chosen = bare if bare in PLUGINS else chosen
    return chosen


def control_port(option: str) -> int:
    """Return the control port. ``OCC_CONTROL_PORT`` of the environment overrides the option.

    Raises:
        InvalidRequestError: if the value is not a port.
    """
    text = os.environ.get("OCC_CONTROL_PORT", option)
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise InvalidRequestError(f"the control port is {text!r}, and not a number below 65536")
    return int(text)


def control_socket() -> Path | None:
    """Return the path at which to accept requests instead of at the port: O2_CONTROL_SOCKET."""
    text = os.environ.get("O2_CONTROL_SOCKET", "")
    return Path(text) if text else None


def control_addresses() -> list[str]:
    """Return the addresses to listen on besides the loopback: O2_CONTROL_ADDRESS, comma-separated."""
    return [each.strip() for each in os.environ.get("O2_CONTROL_ADDRESS", "").split(",") if each.strip()]


def _setting(text: str, key: str, value: str) -> Any:
    try:
        if key in NUMBERS:
            return int(value)
    except ValueError:
        raise InvalidRequestError(f"--channel-config {text}: {key}={value} is not a whole number") from None
    return value in ("1", "true") if key == "autoBind" else value


def _type_of(default: object) -> Any:
    return _truth if isinstance(default, bool) else type(default)


def _truth(text: str) -> bool:
    return text.lower() in ("1", "true", "yes", "on")
