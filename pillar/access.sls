# Who may do what, as users, groups (%group) and everybody (*). Each role may do what those before it may: viewers
# look, operators lead environments, experts reshape them and reach into tasks, administrators the rest. State
# o2.master makes the master's external_auth of it, and `o2.site_check` says if it has not been applied since.
#
# Passwords are asked for by PAM unless `o2:master:eauth` names another of Salt's modules, such as ldap.
o2:
  access:
    viewer: ['*']
    operator: ['%shift']
    expert: ['%experts']
    administrator: [root]

  # Minions that may call functions of the runner, by exact id (`salt-call publish.runner o2.run_stop ...`). Salt verifies
  # who calls; an event could be sent by any minion. Hosts that run tasks should not be among them.
  #
  # peers:
  #   beamwatch: [run_stop]
