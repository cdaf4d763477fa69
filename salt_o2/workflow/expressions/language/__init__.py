"""The language of expressions: tokens, tree, parser, and forms of other languages that it refuses."""
