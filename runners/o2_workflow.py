"""Workflow templates. A part of the runner ``o2``, see o2.py."""

__virtualname__ = "o2"


def __virtual__():
    return __virtualname__


def workflow_list():
    """
    List the workflow templates of the site.

    CLI Example:

    .. code-block:: bash

        salt-run o2.workflow_list
    """
    return _ask("workflow_list")


def workflow_show(workflow):
    """
    List the variables of a workflow template of the site: type, default, allowed values, description, and
    where templates or control read each variable.

    workflow
        Name of the workflow; with ``@revision`` another revision.

    CLI Example:

    .. code-block:: bash

        salt-run o2.workflow_show readout-dataflow
    """
    return _ask("workflow_show", workflow=workflow)


def workflow_check(workflow, vars=None):
    """
    List all problems of a workflow template of the site, expanded with the configuration of the site.

    workflow
        Name of the workflow; with ``@revision`` another revision.

    vars
        Variables that replace those of the templates.

    CLI Example:

    .. code-block:: bash

        salt-run o2.workflow_check readout-dataflow@master
    """
    return _ask("workflow_check", workflow=workflow, vars=vars or {})


def workflow_expand(workflow, vars=None, variables=False, origins=False):
    """
    Show the expanded tree of roles of a workflow.

    workflow
        Name of the workflow; with ``@revision`` another revision.

    vars
        Variables that replace those of the templates.

    variables
        Show the variables of each leaf.

    origins
        Show the source of each value.

    CLI Example:

    .. code-block:: bash

        salt-run o2.workflow_expand fairmq-ex-1-n-1 vars='{processors: 2}' --out=yaml
    """
    return _ask("workflow_expand", workflow=workflow, vars=vars or {}, variables=variables, origins=origins)


def workflow_graph(workflow, vars=None, format="svg"):
    """
    Draw the data flow of a workflow.

    workflow
        Name of the workflow; with ``@revision`` another revision.

    vars
        Variables that replace those of the templates.

    format
        ``svg`` or ``mermaid``.

    CLI Example:

    .. code-block:: bash

        salt-run o2.workflow_graph qc-advanced-root format=mermaid
    """
    return _ask("workflow_graph", workflow=workflow, vars=vars or {}, format=format)


def workflow_generate(workflow, vars=None):
    """
    Run the DPL commands of a workflow whose templates do not exist yet, and start no task.

    ``env_create`` does the same. ``env_plan`` and the functions that show a workflow run no command: they use
    templates that were generated before with the same values.

    workflow
        Name of the workflow; with ``@revision`` another revision.

    vars
        Variables that replace those of the templates.

    CLI Example:

    .. code-block:: bash

        salt-run o2.workflow_generate readout-qc vars='{run_type: PHYSICS}'
    """
    return _ask("workflow_generate", workflow=workflow, vars=vars or {})


def _ask(verb, **arguments):
    return __salt__["o2.ask"](verb, arguments)
