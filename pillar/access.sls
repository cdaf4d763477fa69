# Roles of users, groups (%group) and all users (*). Each role includes the permissions of the roles above it: viewers
# show, operators control environments, experts modify them and control tasks manually, administrators do the rest.
# State o2.master writes the master's external_auth from this. `o2.site_check` reports if that has not been done since.
#
# PAM checks passwords unless `o2:master:eauth` names another module of Salt, such as ldap.
o2:
  access:
    viewer: ['*']
    operator: ['%shift']
    expert: ['%experts']
    administrator: [root]

  # Minions that may call functions of the runner, by exact ID (`salt-call publish.runner o2.run_stop ...`). Salt
  # verifies the ID of the caller; any minion could send an event. Do not name hosts that run tasks.
  #
  # peers:
  #   beamwatch: [run_stop]
