"""coconut info: facts about control."""

from typing import Any

import typer

from salt_o2.presentation.layout import block

app = typer.Typer(add_completion=False)


@app.command()
def info(ctx: typer.Context) -> None:
    """Show control's version, hosts, environments and tasks."""
    ctx.obj.show(ctx.obj.ask("info"), render_info)


def render_info(facts: dict[str, Any]) -> str:
    """Return control's facts, one on each line."""
    return block([(name.replace("_", " "), _short(value)) for name, value in facts.items()])


def _short(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
