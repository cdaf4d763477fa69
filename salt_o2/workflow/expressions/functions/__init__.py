"""Built-in functions of expressions by subject, and their signatures."""
