"""Write the graph of a workflow as mermaid."""

from salt_o2.core.terminal_text import terminal_line
from salt_o2.workflow.authoring.graph import graph_of
from salt_o2.workflow.expansion.workflow_tree import Role, Workflow


def mermaid(workflow: Workflow) -> str:
    """Return the drawing in mermaid's language: places outside have round ends; hooks are left out."""
    graph = graph_of(workflow)
    names = {box.name: f"n{number}" for number, box in enumerate(graph.boxes)}
    lines = ["flowchart LR", *_subgraph(workflow.root, names, 1)]
    lines += [f"    {names[box.name]}([{_quoted(box.title)}])" for box in graph.boxes if box.is_outside]
    lines += [f"    {names[a.sender]} -->|{_quoted(a.channel)}| {names[a.receiver]}" for a in graph.arrows]
    return "\n".join(lines) + "\n"


def _subgraph(role: Role, names: dict[str, str], depth: int) -> list[str]:
    indent = "    " * depth
    if role.task:
        return [f"{indent}{names[role.path]}[{_quoted(role.name)}]"] if role.path in names else []
    inner = [line for child in role.roles for line in _subgraph(child, names, depth + 1)]
    if not inner:
        return []
    return [f"{indent}subgraph {_quoted(role.path)}", *inner, f"{indent}end"]


def _quoted(text: str) -> str:
    return '"' + terminal_line(text).replace('"', "#quot;") + '"'
