"""The template language: YAML and expressions become a tree of roles."""

from salt_o2.workflow.load import load
from salt_o2.workflow.source import Directory, Source, Template
from salt_o2.workflow.tree import CallRole, Role, TaskRole, Workflow

__all__ = ["CallRole", "Directory", "Role", "Source", "TaskRole", "Template", "Workflow", "load"]
