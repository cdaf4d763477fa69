"""Where templates come from: directories and git repositories."""
