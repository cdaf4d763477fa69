"""Reactor rules: which event leads to which runner call."""
