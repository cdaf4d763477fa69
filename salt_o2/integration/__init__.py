"""Services around data-taking that workflows call: one file each, switched on by ``o2: integrations:``."""
