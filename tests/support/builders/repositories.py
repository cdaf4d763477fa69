"""Template repositories written to a folder, for tests of control."""

ROLES = """
name: root
defaults: {{ rate: "1", copies: {copies} }}
roles:
  - name: "leaf{{{{ it }}}}"
    for: {{ begin: 0, end: "{{{{ Atoi(copies) - 1 }}}}", var: it }}
    {policy}
    task: {{ load: leaf }}
"""
LEAF = """
name: leaf
control: {mode: fairmq}
wants: {cpu: 0, memory: 0}
command: {value: leaf, arguments: ["--rate={{ rate }}"]}
"""


def repository(folder, name="farm", copies=2, policy=""):
    """Write a workflow of some equal tasks, and return the folder that holds it."""
    (folder / "workflows").mkdir(parents=True, exist_ok=True)
    (folder / "tasks").mkdir(exist_ok=True)
    (folder / "workflows" / f"{name}.yaml").write_text(ROLES.format(copies=copies, policy=policy))
    (folder / "tasks" / "leaf.yaml").write_text(LEAF)
    return folder
