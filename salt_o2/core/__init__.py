"""Pure values and state machines that decide. No I/O, no clock, no randomness, no Salt."""
