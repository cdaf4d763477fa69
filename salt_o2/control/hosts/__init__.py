"""Hosts: liveness, reports, outbound commands."""
