"""Variables for expressions, and their values: the scene of all tests of the expression language."""

from salt_o2.workflow.expressions.evaluation.expression import MISSING, expression


class Names:
    """Variables for an expression."""

    def __init__(self, **variables):
        self.variables = variables

    def find(self, name):
        return self.variables.get(name, MISSING)

    def names(self):
        return self.variables


def value_in(scene):
    """Return the function that computes an expression in ``scene``, or in other variables."""
    return lambda source, names=scene: expression(source).value(names)
