"""What runs on each host: start, drive, watch and adopt tasks."""
