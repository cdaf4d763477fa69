# What state o2.master makes of the master's machine. The state refuses every minion that is not named here.
{% import_yaml 'machines.yaml' as machines %}
o2:
  master:
    minions: [{{ machines.master }}]

    # host_rules: true          # the rules about whole machines, see reactor/host_rules.conf
    # repositories: [/srv/o2]
    # eauth: pam
