"""Clients of the local sockets of control and agents, for plug-ins and tools."""
