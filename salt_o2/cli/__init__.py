"""coconut, the command line: a file per noun; parse, one call, one renderer."""


def main() -> None:
    """Run coconut."""
    from salt_o2.cli.app import run

    run()
