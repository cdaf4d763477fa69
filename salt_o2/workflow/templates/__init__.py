"""Read templates, before their expansion."""
