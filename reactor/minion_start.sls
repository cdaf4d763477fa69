# A host has started, is new, or was installed again: bring it to what o2.host says before it is used.
#
# Event: salt/minion/<host>/start. Nothing happens on a host that is as it should be, and tasks that survived a
# restart of their minion go on. `queue` lets it wait for a state that runs already. Many hosts that start
# at once ask the master at once: spread them by random_startup_delay in the minions' configuration.

bring_a_started_host_into_line:
  local.state.apply:
    - tgt: {{ data['id'] | yaml_dquote }}
    - tgt_type: list
    - args:
      - mods: o2.host
      - queue: True
