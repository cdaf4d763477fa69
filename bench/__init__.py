"""Figures: Salt O² beside a bare script that drives the same processes, in one run."""
