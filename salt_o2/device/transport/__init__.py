"""Channels of a device and their sockets."""
