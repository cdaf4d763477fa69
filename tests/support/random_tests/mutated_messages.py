"""Makes wrong messages out of right ones, by chance that a seed decides."""

import copy
from random import Random

HOSTILE = (
    None,
    True,
    -1,
    0,
    2**31,
    2**32 - 1,
    2**63 - 1,
    2**64 - 1,
    -(2**63),
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x" * 20_000,
    "\x00\x1b[2J\u202e\u0085",
    "../../etc/passwd",
    "{{ 1 }}",
    "NaN",
    b"\xff\x00",
    [],
    [[]] * 50,
    {},
    {"": {}},
    {1: 2, "a": None},
)
MOST_CHANGES = 4


def mutated(message, random, stolen=()):
    """Return ``message``, of plain values, with some of its parts changed.

    ``stolen`` are right values of other messages, such as the id of another host's task.
    """
    changed = copy.deepcopy(message)
    for _ in range(random.randint(1, MOST_CHANGES)):
        changed = _changed(changed, random, stolen)
    return changed


def mutated_bytes(data, random):
    """Return ``data`` with some bytes flipped, left out, doubled or added."""
    changed = bytearray(data)
    for _ in range(random.randint(1, MOST_CHANGES)):
        place = random.randrange(len(changed) + 1)
        match random.randrange(4):
            case 0 if place < len(changed):
                changed[place] ^= 1 << random.randrange(8)
            case 1:
                del changed[place : place + random.randint(1, 20)]
            case 2:
                changed[place:place] = changed[place : place + random.randint(1, 20)]
            case _:
                changed[place:place] = random.randbytes(random.randint(1, 20))
    return bytes(changed)


def _changed(message, random: Random, stolen):
    places = list(_places(message))
    if not places:
        return _value(random, stolen)
    holder, key = random.choice(places)
    match random.randrange(5):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[random.choice(["", "facts", "tasks", "accepted", "x" * 300, "host"])] = _value(
                random, stolen
            )
        case 2 if isinstance(holder, list):
            holder.extend([copy.deepcopy(holder[key])] * random.randint(1, 20))
        case 3:
            other, other_key = random.choice(places)
            holder[key] = copy.deepcopy(other[other_key])
        case _:
            holder[key] = _value(random, stolen)
    return message


def _value(random, stolen):
    return copy.deepcopy(random.choice((*HOSTILE, *stolen, *stolen)))


def _places(value):
    """Yield each place in ``value`` as what holds it and its key there."""
    todo = [value]
    while todo:
        holder = todo.pop()
        keys = holder if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
        for key in tuple(keys):
            yield holder, key
            if isinstance(holder[key], dict | list):
                todo.append(holder[key])
