"""The variables that an expression may read, on any branch, without a value."""

import pytest

from salt_o2.workflow.expressions.evaluation.expression import expression
from salt_o2.workflow.expressions.evaluation.mentions import mentions


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("rate", {"rate"}),
        ("a == 'x' ? b : c", {"a", "b", "c"}),
        ("a + '-' + strings.ToUpper(b)", {"a", "b", "strings"}),
        ("$env.rate", {"rate"}),
        ("$env?.rate", {"rate"}),
        ("$env['rate']", {"rate"}),
        ("let x = a; x + b", {"a", "b", "x"}),
        ("filter([a], {# == b})", {"a", "b"}),
        ("'rate'", set()),
    ],
)
def test_every_name_of_any_branch_is_mentioned(text, names):
    assert mentions(expression(text)).names == names


def test_a_prefixed_override_mentions_the_variable_alone_and_with_the_prefix():
    found = mentions(expression("PrefixedOverride('rate', 'tpc')"))
    assert {"rate", "tpc_rate"} <= found.names
    assert (found.endings, found.computes_names) == (frozenset(), False)


@pytest.mark.parametrize(
    "text", ["PrefixedOverride('rate', detector)", "util.PrefixedOverride('rate', detector)"]
)
def test_a_prefixed_override_with_a_computed_prefix_reads_every_name_with_this_ending(text):
    found = mentions(expression(text))
    assert found.endings == {"_rate"}
    assert "detector" in found.names


@pytest.mark.parametrize("text", ["$env[name]", "PrefixedOverride(name, 'tpc')"])
def test_an_expression_that_computes_a_name_says_so(text):
    assert mentions(expression(text)).computes_names
    assert "name" in mentions(expression(text)).names
