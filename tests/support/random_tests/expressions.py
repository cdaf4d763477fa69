"""Draws expressions of templates: words in any order, well-formed ones, and ones whose types fit.

Words in any order are mostly refused by the parser, and well-formed expressions by the check of types. Only
expressions whose types fit come to be computed.
"""

from hypothesis import strategies as st

OPERATORS = ("+", "-", "*", "/", "%", "**", "..", "==", "<", "in", "and", "or", "??")
ARITHMETIC = ("+", "-", "*", "/", "%", "**")


def expressions(words, values, calls=(), most_words=14):
    """Return a strategy that draws a text of ``words``, or an expression of ``values`` and ``calls``.

    ``values`` are lists by kind: ``number``, ``text``, ``list``, ``mapping`` and ``other``. ``calls`` are
    names of functions.
    """
    in_any_order = st.lists(st.sampled_from(words), max_size=most_words).map(" ".join)
    all_values = [value for kind in values.values() for value in kind]
    well_formed = st.recursive(st.sampled_from(all_values), lambda part: _larger(part, calls), max_leaves=6)
    return in_any_order | well_formed | _of_fitting_types(values)


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


def _of_fitting_types(values):
    number, text, a_list, mapping = (
        st.sampled_from(values[kind]) for kind in ("number", "text", "list", "mapping")
    )
    computed = st.tuples(number, st.sampled_from(ARITHMETIC), number).map(" ".join)
    numbers = number | computed | text.map("int( {} )".format) | a_list.map("len( {} )".format)
    texts = text | st.tuples(text, text).map(" + ".join) | numbers.map("string( {} )".format)
    lists = a_list | st.lists(numbers, max_size=3).map(lambda parts: f"[ {', '.join(parts)} ]")
    return st.one_of(
        st.tuples(numbers, st.sampled_from([*ARITHMETIC, "..", "<", "=="]), numbers).map(" ".join),
        st.tuples(lists, numbers).map("{0[0]} [ {0[1]} ]".format),
        st.tuples(mapping, texts).map("{0[0]} [ {0[1]} ]".format),
        st.tuples(texts, st.sampled_from(["contains", "matches", "startsWith", "=="]), texts).map(" ".join),
        st.tuples(st.sampled_from(["sum", "max", "sort", "flatten", "string"]), lists).map(
            "{0[0]}( {0[1]} )".format
        ),
        texts.map("fromJSON( {} )".format),
    )
