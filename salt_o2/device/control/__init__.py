"""State machine of a device and the requests that drive it."""
