"""Messages between control, agents and environments."""
