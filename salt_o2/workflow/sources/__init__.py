"""Sources of templates: directories and git repositories."""
