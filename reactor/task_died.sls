# A task has failed: restart it on its host and lead it to the state of its environment.
#
# Event: salt/o2/<environment>/task/<task>/ERROR, with the fields of AnnounceFailure: environment, task, path,
# host, critical, failure. The restart policy of template and pillar decides how often a task is restarted and what
# follows, not this rule. A second request has no effect, and control restarts a task that no rule has handled.

# With by_rule control restarts the task only if the policy of its role permits it. A user may request more.
recover_a_task_that_died:
  runner.o2.task_recover:
    - args:
      - environment: {{ data['environment'] | yaml_dquote }}
      - task: {{ data['task'] | yaml_dquote }}
      - by_rule: True
