"""What all commands share: parsing, terminal, progress, confirmation."""
