# Who may do what, as users and groups (%group) of the master. Each role may do what those before it may:
# viewers look, operators lead environments, experts reshape them and reach into tasks, administrators the rest.
o2:
  access:
    viewer: ['*']
    operator: ['%shift']
    expert: ['%experts']
    administrator: [root]
