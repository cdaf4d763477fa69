"""The agent of a host: starts, drives, watches and adopts tasks."""
