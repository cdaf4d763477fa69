"""Name the entries of a journal that a history shows only on request: other entries show their effects."""

QUIET = ("TasksMoved", "Tick", "CompleteRequest")
"""Reports, ticks of the clock, and answers to requests."""
