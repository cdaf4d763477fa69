"""The template language: YAML and expressions become a tree of roles."""
