"""Format plain dicts as text for terminals."""
