"""The differences from AliECS that stay, each with its reason (differences-from-aliecs.md)."""

import re

DIFFERENCES = {
    "a function or a namespace without a call is refused": r"^(upper|strings\.Nope)$",
    "the form of 2018 is read": r"^\.x$",
    "texts have characters, not bytes": (
        r"^(sum|first|last|get)\(FromJson\('\"(s|a,b)\"|^FromJson\('\"s\"'\)\["
        r"|FromJson\(detectors\), map\(#|^sum\(strings"
    ),
    "sort of what is no list is refused": r"^sort\(FromJson",
    "an empty list is [] and not null": r"^concat\(\[\]\)$|^split\(.*, 0\)",
    "entries of mappings have no order": r"^(values|keys|toPairs)\(FromJson\(obj\)\)$",
    "true and 1 are one key of a group": r"^groupBy\(FromJson\(obj\)\.list",
}
"""The reason, and the inputs that show it."""


def difference(source):
    """Return why the value of ``source`` differs; nothing if it must not."""
    for reason, pattern in DIFFERENCES.items():
        if re.search(pattern, source):
            return reason
    return ""


PAYLOAD_DIFFERENCES = {
    "a list or a mapping is written as JSON": (
        r"FromJson\(hosts\)\|(?!(join|length|first|last|yesno|integer|float|floatformat|divisibleby|title|slice:':0))"
        r"|\|(split:','|make_list) \}\}$|set s = FromJson"
    ),
    "keys of a mapping come in order": r"for k(, v)? in FromJson",
    "sorted sorts lists from JSON": r" sorted %\}",
}
"""The same for payloads."""


def payload_difference(source):
    """Return why the payload ``source`` is rendered in another way; nothing if it must not be."""
    for reason, pattern in PAYLOAD_DIFFERENCES.items():
        if re.search(pattern, source):
            return reason
    return ""
