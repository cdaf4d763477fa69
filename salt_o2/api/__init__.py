"""The HTTP interface to control, served by Salt's `salt-api` in a process of its own."""
