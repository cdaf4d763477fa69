"""Fault injection: schedules, injection, observation, invariants."""
