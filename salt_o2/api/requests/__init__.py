"""Requests to control under way, and the feed of what happens at the site."""
