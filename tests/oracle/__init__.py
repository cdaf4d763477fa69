"""Facts about expr-lang and pongo2: inputs of our own, and what the real libraries make of them."""
