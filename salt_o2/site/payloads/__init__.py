"""Payloads of configuration in Django's language, as pongo2 renders them."""
