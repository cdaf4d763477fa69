"""A private Salt cluster in a directory of this machine."""
