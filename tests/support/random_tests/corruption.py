"""Every way to spoil one part of a message or of a block of settings, for property tests."""

import copy

from hypothesis import strategies as st

JUNK = (
    None,
    "many",
    "",
    "\x1b[31m\u202e",
    b"\xff\xfe",
    [],
    ["x", None],
    {},
    {"a": {"b": 1}},
    {3: 4},
    float("nan"),
    float("inf"),
    -1,
    2**70,
    1.5,
    True,
    12,
)


def places(data, path=()):
    """Return the paths of all parts of ``data``, itself left out."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    found = []
    for key, value in items:
        found += [(*path, key), *places(value, (*path, key))]
    return found


def at(data, path):
    """Return the part of ``data`` at ``path``; ``KeyError`` if there is none."""
    for key in path:
        try:
            data = data[key]
        except (IndexError, TypeError) as error:
            raise KeyError(path) from error
    return data


def spoilt(data, path, junk, *, remove=False):
    """Return a copy of ``data`` whose part at ``path`` is ``junk``, or is missing."""
    spoilt = copy.deepcopy(data)
    holder = at(spoilt, path[:-1])
    if remove:
        del holder[path[-1]]
    else:
        holder[path[-1]] = junk
    return spoilt


def one_fault(data):
    """Draw a path in ``data``, something that does not belong there, and whether the part is removed."""
    return st.tuples(st.sampled_from(places(data)), st.sampled_from(JUNK), st.booleans())
