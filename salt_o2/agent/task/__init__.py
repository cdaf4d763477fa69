"""One task: what is decided for it, and how that is carried out."""
