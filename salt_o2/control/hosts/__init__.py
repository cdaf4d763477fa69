"""Hosts: liveness, reports, commands on their way."""
