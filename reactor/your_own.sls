# How to add a rule of your own.
#
# 1. See what the bus says while it happens:
#
#      salt-run state.event pretty=True tagmatch='salt/o2/*'
#
#      salt/o2/<environment>/<STATE>               an environment entered a state: environment, run_number, reason
#      salt/o2/<environment>/task/<task>/ERROR     a task failed: environment, task, path, host, critical, failure
#      salt/o2/host/<host>/<STATUS>                a host is ACTIVE again, SILENT or LOST: host, status, reason
#      salt/o2/<environment>/moves                 tasks moved as they should: host, moves
#
# 2. Write what is to be done, as this file does: one reaction, no logic. Data of control's events lie at the top
#    level of `data`; those of an event that a minion sent (salt-call event.send) in data['data'].
#
#      runner.o2.FUNCTION      what an operator does, by name:  salt-run sys.doc o2
#      local.MODULE.FUNCTION   a Salt job on hosts:             salt flp1 sys.doc o2
#      runner.state.orchestrate  when it takes several steps
#
# 3. Put it where you keep yours, not into this folder, and wire it in a file of its own:
#
#      /etc/salt/master.d/my-rules.conf
#      reactor:
#        - 'salt/o2/*/ERROR':
#            - /srv/reactor/tell_the_shift.sls
#
# 4. Restart the master (tasks do not mind), rehearse, and look:  salt-run event.send TAG '{...}'
#
# Salt may lose an event or deliver it twice: a reaction must be one that may come late, twice, or never.
#
# Every minion of the master can send every event with any data, those of control and of Salt too. So a rule must do
# no harm when its event is a lie: it looks before it acts, as the rules here do, and it gives no order in the name of the
# sender. A host that is to give orders does so by a runner that the master permits it (pillar o2:peers), where Salt
# has verified its id:  salt-call publish.runner o2.run_stop ...
#
# Data of an event never become part of a command line. The example gives them to the command as its environment, which
# the shell does not read as text. It tells everybody at the consoles that an environment has failed:

tell_the_shift:
  local.cmd.run:
    - tgt: 'console1,console2'
    - tgt_type: list
    - args:
      - cmd: wall "Salt O2 environment $O2_ENVIRONMENT is in ERROR"
      - env:
        - O2_ENVIRONMENT: {{ data['environment'] | string | yaml_dquote }}
