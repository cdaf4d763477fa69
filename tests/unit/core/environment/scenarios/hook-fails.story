# A critical hook ends with an exit code: the transition fails, and nothing is left of the hook

given task readout on flp1
given task check on flp1: hook at before_CONFIGURE
given it is DEPLOYED

when teo asks for CONFIGURE
  flp1 is told [2]: start check -> RUNNING in 30 s
  = DEPLOYED; CONFIGURE under way, waiting for check (flp1 not heard yet); wakes in 1 s

when check runs
  the world hears: on flp1 check RUNNING
  = DEPLOYED; CONFIGURE under way, waiting for check; wakes in 30 s

when check ends with exit code 3
  the world hears: on flp1 check ERROR
  the world hears: check on flp1 FAILED, ERROR (critical, policy fail): exit code 3
  flp1 is told [3]: check -> DONE in 30 s
  the world hears: ERROR:
    | CONFIGURE of environment E failed: 1 task did not get there
    | role root.check (task check, class-of-check) on host flp1: run in state RUNNING: exit code 3
  teo's CONFIGURE is answered: TaskError:
    | CONFIGURE of environment E failed: 1 task did not get there
    | role root.check (task check, class-of-check) on host flp1: run in state RUNNING: exit code 3
  = ERROR

when everybody obeys
  the world hears: on flp1 check DONE
