"""Salt outputters: how salt-run shows what the o2 runner returns."""
