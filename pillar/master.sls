# Settings of state o2.master for the machine of the master. The state refuses each minion that is not named here.
{% import_yaml 'machines.yaml' as machines %}
o2:
  master:
    minions: [{{ machines.master }}]

    # host_rules: true          # the rules for whole machines, see reactor/host_rules.conf
    # repositories: [/srv/o2]
    # eauth: pam
