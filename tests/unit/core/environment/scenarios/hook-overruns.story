# A hook that overruns its time is ended by us

given task readout on flp1
given task check on flp1: hook at before_CONFIGURE, timeout 10
given it is DEPLOYED

when teo asks for CONFIGURE
  flp1 is told [2]: start check -> RUNNING in 10 s
  = DEPLOYED; CONFIGURE under way, waiting for check (flp1 not heard yet); wakes in 1 s

when check runs
  the world hears: on flp1 check RUNNING
  = DEPLOYED; CONFIGURE under way, waiting for check; wakes in 10 s

when 10 s pass
  after 10 s
    flp1 is told [3]: check -> DONE in 30 s
    the world hears: ERROR:
      | CONFIGURE of environment E failed: 1 task did not get there
      | role root.check (task check, class-of-check) on host flp1: CONFIGURE in state RUNNING: no answer within 10 s
      |   what to do: see the task's log
    teo's CONFIGURE is answered: TaskError:
      | CONFIGURE of environment E failed: 1 task did not get there
      | role root.check (task check, class-of-check) on host flp1: CONFIGURE in state RUNNING: no answer within 10 s
      |   what to do: see the task's log
    = ERROR

when everybody obeys
  the world hears: on flp1 check DONE
