# How to add a rule of your own.
#
# 1. Look at the events of the bus:
#
#      salt-run state.event pretty=True tagmatch='salt/o2/*'
#
#      salt/o2/<environment>/<STATE>               an environment entered a state: environment, run_number, reason
#      salt/o2/<environment>/task/<task>/ERROR     a task failed: environment, task, path, host, critical, failure
#      salt/o2/host/<host>/<STATUS>                a host is ACTIVE again, SILENT or LOST: host, status, reason
#      salt/o2/<environment>/moves                 tasks changed their state as ordered: host, moves
#
# 2. Write one reaction without logic, as in this file. Data of control's events are at the top level of `data`, those
#    of an event from a minion (salt-call event.send) in data['data'].
#
#      runner.o2.FUNCTION      a function of the runner:        salt-run sys.doc o2
#      local.MODULE.FUNCTION   a Salt job on hosts:             salt flp1 sys.doc o2
#      runner.state.orchestrate  for several steps
#
# 3. Put the file into a folder of your own, not into this one, and name it in a configuration file of its own:
#
#      /etc/salt/master.d/my-rules.conf
#      reactor:
#        - 'salt/o2/*/ERROR':
#            - /srv/reactor/tell_the_shift.sls
#
# 4. Restart the master (tasks are not affected) and test the rule:  salt-run event.send TAG '{...}'
#
# Salt may lose an event or deliver it twice. A reaction must be correct if it comes late, twice, or never.
#
# Each minion of the master can send each event with any data, also events of control and of Salt. A rule must do no
# harm if its event is false: it checks before it acts, as the rules here do, and it gives no order on behalf of the
# sender. A host that may give orders calls a runner that the master permits (pillar o2:peers), where Salt
# verifies its ID:  salt-call publish.runner o2.run_stop ...
#
# Never make event data part of a command line. The example passes them to the command as environment variables, which
# the shell does not parse. It informs all users at the consoles that an environment has failed:

tell_the_shift:
  local.cmd.run:
    - tgt: 'console1,console2'
    - tgt_type: list
    - args:
      - cmd: wall "Salt O2 environment $O2_ENVIRONMENT is in ERROR"
      - env:
        - O2_ENVIRONMENT: {{ data['environment'] | string | yaml_dquote }}
