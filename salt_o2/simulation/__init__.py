"""Simulation of whole clusters in virtual time, replayable from a seed."""
