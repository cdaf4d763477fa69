"""Define the limits of templates and of the values that they make. To exceed one is an error, not a hang."""

FILE_BYTES = 5_000_000
"""Bytes of one file."""
NESTING = 100
"""Levels of mappings and lists inside each other in one file."""
NODES = 2_000_000
"""Scalars, lists and mappings of one file, with YAML aliases counted as often as they are used."""
INDEX_NODES = 100_000
"""Scalars, lists and mappings of a file that lists of workflows read, and searches by names of root roles."""
INDEX_BYTES = 1_000_000
"""Bytes of such a file."""
INDEX_REPOSITORY_BYTES = 16_000_000
"""Bytes of all such files of one repository."""
INDEX_S = 5.0
"""Seconds that one list or search may take to read the workflows of one repository."""
REPOSITORY_BYTES = 64_000_000
"""Bytes of all templates of one repository."""
REPOSITORY_FILES = 10_000
"""Workflows, and tasks, of one repository."""
EXPRESSION = 10_000
"""Characters between ``{{`` and ``}}``."""
RENDERED = 1_000_000
"""Characters of one rendered value."""
ITERATIONS = 100_000
"""Roles that one iterator makes."""
INCLUDES = 20
"""Workflows that include one another."""
TAGS = 5_000
"""Tags and expressions in one payload: each takes time before any computation."""
PAYLOADS = 200
"""Payloads that one payload includes, counted as often as it does."""
ROLES = 200_000
"""Roles of one workflow."""
MADE = 10_000_000
"""Characters and entries of lists and mappings that one expression or one payload makes in all."""
EVALUATION_S = 5.0
"""Seconds that one expression or one payload may take."""
LOAD_S = 300.0
"""Seconds that all expressions of one workflow may take together."""
PROBLEMS_SHOWN = 200
"""Different problems that are shown; more are counted."""
PROBLEMS_WITH_ADVICE = 50
"""Number of problems for which the nearest name is searched; the search is slow where names are many."""
EXPRESSION_DEPTH = 100
"""Brackets, conditions and operators inside each other in one expression."""
EXPRESSION_NODES = 10_000
"""Words and signs of one expression, as many as expr-lang allows nodes."""
LIST = 1_000_000
"""Numbers in one range, as in expr-lang."""
