# What control knows of this site. `salt-run o2.info` shows what it has read.
{% import_yaml 'detectors.yaml' as detectors %}
{% import_yaml 'machines.yaml' as machines %}
{% set hosts = (machines.hosts or []) + detectors.values() | map(attribute='hosts') | sum(start=[]) %}
o2:
  # The hosts that this site has named.
  hosts: {{ hosts | unique | list | json }}

  # Directories with workflows/ and tasks/, searched in this order; here they would replace those of the
  # master's configuration.
  #
  # repositories: [/srv/o2]

  # Variables below those of every template: a template's own defaults win over them.
  defaults:
    detectors: '{{ detectors | list | json }}'
    run_type: TECHNICAL
    # What a failed task leads to: restart, ignore, stop (the run), or fail (the environment). At most so many
    # restarts within so many seconds. A template sets the same for a role; these are for all others.
    #
    # recovery: restart
    # recovery_restarts: 5
    # recovery_window_s: 1800

  # Variables above every template's defaults; a role's `vars` and what the user gives win over them.
  vars:
    configure_timeout_s: 60

  # Which hosts belong to which detector, as hosts.sls tells each host too.
  detectors: {{ detectors | json }}
