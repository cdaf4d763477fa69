"""Recognize forms of jinja2, which AliECS refuses too, and name the form of expr-lang for each."""

from collections.abc import Sequence

from salt_o2.workflow.expressions.language.tokens import Kind, Token

FILTERS = {
    "abs": "abs(x)",
    "count": "len(x)",
    "d": "$env?.name ?? 'other'",
    "default": "$env?.name ?? 'other'",
    "first": "first(x)",
    "float": "float(x)",
    "fromjson": "FromJson(x)",
    "int": "Atoi(x)",
    "join": "join(list, ',')",
    "last": "last(x)",
    "length": "len(x)",
    "list": "the list itself",
    "lower": "lower(x)",
    "max": "max(list)",
    "min": "min(list)",
    "replace": "replace(x, 'a', 'b')",
    "reverse": "reverse(list)",
    "round": "round(x)",
    "sort": "sort(list)",
    "string": "string(x)",
    "sum": "sum(list)",
    "tojson": "ToJson(x)",
    "trim": "trim(x)",
    "unique": "uniq(list)",
    "upper": "upper(x)",
}
"""Filters of jinja2, each with its form in expr-lang."""
NAMES = {"range": "0..n-1 is a list of numbers", **{name: f"write {form}" for name, form in FILTERS.items()}}
"""Names that jinja2 knows and expr-lang does not, each with advice."""


def advice(tokens: Sequence[Token], at: int) -> str:
    """Return what to write instead, if ``tokens`` are of jinja2's language at ``at``; or nothing."""
    token = tokens[at]
    before = tokens[at - 1] if at else token
    if token.is_operator("if") or token.is_operator("else"):
        return "a if test else b is not of this language: write test ? a : b"
    if token.kind is Kind.NAME and before.is_operator("|"):
        form = FILTERS.get(token.text)
        if form:
            return f"| {token.text} is a filter of jinja2: write {form}"
    if token.kind is Kind.NAME and token.text == "is":
        return "is is not of this language: write 'name' in $env, or x == nil"
    return ""
