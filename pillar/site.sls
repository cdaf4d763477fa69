# Settings of this site for control. `salt-run o2.info` shows what control has read.
{% import_yaml 'detectors.yaml' as detectors %}
{% import_yaml 'machines.yaml' as machines %}
{% set hosts = (machines.hosts or []) + detectors.values() | map(attribute='hosts') | sum(start=[]) %}
o2:
  # The hosts that this site has named.
  hosts: {{ hosts | unique | list | json }}

  # Directories with workflows/ and tasks/, searched in this order. A list here replaces the list of the master's
  # configuration.
  #
  # repositories: [/srv/o2]

  # Variables with the lowest precedence: defaults of a template replace them.
  defaults:
    detectors: '{{ detectors | list | json }}'
    run_type: TECHNICAL
    # What follows a failure of a task: restart, ignore, stop (the run), or fail (the environment). The two numbers limit
    # restarts within a window. A template may set them for a role; these values are for all other roles.
    #
    # recovery: restart
    # recovery_restarts: 5
    # recovery_window_s: 1800

  # Variables that replace the defaults of each template. `vars` of a role and variables of the user replace them.
  vars:
    configure_timeout_s: 60

  # The hosts of each detector; hosts.sls sets the attribute of each host from the same file.
  detectors: {{ detectors | json }}
