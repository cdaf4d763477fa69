"""The template language: YAML and expressions become a tree of roles."""

from salt_o2.workflow.expansion.loader import load
from salt_o2.workflow.expansion.workflow_tree import CallRole, Role, TaskRole, Workflow
from salt_o2.workflow.sources.directory import Directory
from salt_o2.workflow.sources.source import Source, Template

__all__ = ["CallRole", "Directory", "Role", "Source", "TaskRole", "Template", "Workflow", "load"]
