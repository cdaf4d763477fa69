"""What control, agents and environments say to each other."""
