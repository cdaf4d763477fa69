"""coconut, the command line: a file per noun; parse, one call, one renderer."""

import gc


def main() -> None:
    """Run coconut."""
    # What a command imports stays until its end: a search for garbage meanwhile costs a sixth of the start.
    gc.disable()
    from salt_o2.cli.app import run

    gc.freeze()
    gc.enable()
    run()
