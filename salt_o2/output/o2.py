"""
Outputter of the o2 runner: trees and tables as coconut shows them. ``--out=json`` has the whole record.
"""

from salt_o2.presentation import autodetect

__virtualname__ = "o2"


def __virtual__():
    return __virtualname__


def output(data, **_kwargs):
    """
    Return ``data`` of the o2 runner, or of one of its progress events, as text.
    """
    return autodetect.render(data)
