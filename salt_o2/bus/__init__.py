"""Salt as transport; the only library package that imports salt."""
