"""Expressions in templates: parser, functions, limits."""
