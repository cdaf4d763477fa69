"""Draws expressions of templates: well-formed ones, and words in any order.

Words in any order are mostly refused by the parser. Only well-formed expressions come to be computed.
"""

from hypothesis import strategies as st

OPERATORS = ("+", "-", "*", "/", "%", "**", "..", "==", "<", "in", "and", "or", "??")


def expressions(words, values, calls=(), most_words=14):
    """Return a strategy that draws a text of ``words``, or an expression of ``values`` and ``calls``.

    ``calls`` are names of functions.
    """
    in_any_order = st.lists(st.sampled_from(words), max_size=most_words).map(" ".join)
    return in_any_order | st.recursive(
        st.sampled_from(values), lambda part: _larger(part, calls), max_leaves=6
    )


def _larger(part, calls):
    pairs = st.tuples(part, part)
    larger = [
        st.tuples(part, st.sampled_from(OPERATORS), part).map(" ".join),
        part.map("( {} )".format),
        part.map("[ {} ]".format),
        part.map("not ( {} )".format),
        pairs.map(lambda pair: "{} [ {} ]".format(*pair)),
        pairs.map(lambda pair: "{{ {} : {} }}".format(*pair)),
    ]
    if calls:
        name = st.sampled_from(calls)
        larger += [
            st.tuples(part, name).map("{0[0]} | {0[1]}()".format),
            st.tuples(name, st.lists(part, max_size=3).map(", ".join)).map(
                lambda call: "{}( {} )".format(*call)
            ),
        ]
    return st.one_of(larger)
