"""The language of payloads: jinja2 in a sandbox."""
