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


def variables(found: Plain) -> str:
    """Return the variables of a workflow, a paragraph each, and what is not known of reads."""
    title = f"workflow {found['workflow']}, revision {found['revision'][:12]}"
    about = [title, *([found["description"]] if found["description"] else [])]
    paragraphs = [_variable(each) for each in found["variables"]] or ["no variables"]
    notes = [f"not all reads are known: {each}" for each in found["not_known"]]
    return "\n\n".join(["\n".join(about), *paragraphs, *(["\n".join(notes)] if notes else [])])


def _variable(found: Plain) -> str:
    default, site, values = found["default"], found["site"], found["values"]
    head = found["name"] + ("" if default is None else f" = {default}")
    facts = [
        found["label"],
        found["description"],
        f"type: {found['type']}" + (f", one of {', '.join(values)}" if values else ""),
        None if site is None else f"value of the site: {site}",
        "" if found["defined"] else "not defined in the workflow: the site or the user gives it",
        f"read by {_places(found['read'])}" if found["read"] else "nothing reads it",
    ]
    return "\n".join([head, *(f"    {fact}" for fact in facts if fact)])


def _places(reads: Sequence[str]) -> str:
    """Return places of reads, those of a file together: ``tasks/a.yaml:12, 14; tasks/b.yaml:3``."""
    by_file: dict[str, list[str]] = {}
    for place in reads:
        file, colon, line = place.rpartition(":")
        if colon and line.isdigit():
            by_file.setdefault(file, []).append(line)
        else:
            by_file.setdefault(place, [])
    return "; ".join(f"{file}:{', '.join(lines)}" if lines else file for file, lines in by_file.items())


def problems(report: Plain) -> str:
    """Return the faults of a site: three lines for each, or one line if there are none."""
    found = report["problems"]
    if not found:
        return f"no problems: {report['hosts']} hosts"
    blocks = [f"{each['where']}\n    {each['what']}\n    {each['advice']}" for each in found]
    return "\n".join([*blocks, f"{len(found)} problems"])
