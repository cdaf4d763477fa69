# A task has failed: start it again in its place and lead it back to where its environment is.
#
# Event: salt/o2/<environment>/task/<task>/ERROR, with the fields of AnnounceFailure: environment, task, path,
# host, critical, failure. How often it is tried, and what then, is the template's and pillar's recovery policy,
# not this rule's: asking twice does no harm, and control notices by itself what no rule has answered.

# With by_rule only what its role wants restarted is, as often as it may; a person may ask for more.
recover_a_task_that_died:
  runner.o2.task_recover:
    - args:
      - environment: {{ data['environment'] | yaml_dquote }}
      - task: {{ data['task'] | yaml_dquote }}
      - by_rule: True
