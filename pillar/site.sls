# What control knows of this site. `salt-run o2.info` shows what it has read.
o2:
  # Variables below those of every template: a template's own defaults win over them.
  defaults:
    detectors: '["TST"]'
    run_type: TECHNICAL
  # Variables above every template's defaults; a role's `vars` and what the user gives win over them.
  vars:
    configure_timeout_s: 60
