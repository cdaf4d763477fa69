"""Salt as transport; the only library folder that imports salt."""
