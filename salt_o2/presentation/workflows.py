"""Format workflow templates and the problems of a site as text."""

from collections.abc import Sequence

from salt_o2.presentation.layout import Plain, counted, table


def workflow_table(workflows: Sequence[Plain]) -> str:
    """Return the workflow templates, one a row."""
    if not workflows:
        return "no workflow templates found"
    header = (counted("WORKFLOW TEMPLATE", workflows), "DESCRIPTION", "REVISION", "SOURCE")
    return table(
        header,
        ((flow["name"], flow["description"], flow["revision"], flow["source"]) for flow in workflows),
    )


def problems(report: Plain) -> str:
    """Return the faults of a site: three lines for each, or one line if there are none."""
    found = report["problems"]
    if not found:
        return f"no problems: {report['hosts']} hosts"
    blocks = [f"{each['where']}\n    {each['what']}\n    {each['advice']}" for each in found]
    return "\n".join([*blocks, f"{len(found)} problems"])
