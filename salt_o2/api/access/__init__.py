"""Permission to send requests: callers, sessions, sign-in, limits and settings."""
