# A task that dies again and again is given up: restarting does not mend what is wrong with it

given task readout on flp1
given task epn1 on e1: policy restart
given recovery_restarts = 2
given it is RUNNING in run 17

when epn1 dies: exit code 3
  the world hears: on e1 epn1 ERROR
  the world hears: epn1 on e1 FAILED, ERROR (critical, policy restart): exit code 3
  = RUNNING, run 17; bringing back epn1; wakes in 0.25 s

when 0.25 s pass
  after 0.25 s
    e1 is told [4]: start and configure epn1 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0

when e1 obeys
  the world hears: on e1 epn1 RUNNING
  the world hears: epn1 on e1 is BACK after 0.25 s, restart 1; it was: exit code 3
  = RUNNING, run 17

# The pause grows.
when epn1 dies: exit code 3
  the world hears: on e1 epn1 ERROR
  the world hears: epn1 on e1 FAILED, ERROR (critical, policy restart): exit code 3
  = RUNNING, run 17; bringing back epn1; wakes in 1 s

when 0.25 s pass
  nothing follows

when 0.75 s pass
  after 0.75 s
    e1 is told [5]: start and configure epn1 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0

when e1 obeys
  the world hears: on e1 epn1 RUNNING
  the world hears: epn1 on e1 is BACK after 1 s, restart 2; it was: exit code 3
  = RUNNING, run 17

when epn1 dies: exit code 3
  the world hears: on e1 epn1 ERROR
  the world hears: epn1 on e1 FAILED, ERROR (critical, policy restart): exit code 3
  flp1 is told [6]: readout -> CONFIGURED in 10 s, with run_end_time_ms=1001250
  run 17 is over
  the world hears: ERROR:
    | environment E in RUNNING failed: 1 task did not get there
    | role root.epn1 (task epn1, class-of-epn1) on host e1: - in state RUNNING: exit code 3
    | role root.epn1: it was started again 2 times in 30 minutes, which is enough
  = ERROR

when everybody obeys
  the world hears: on flp1 readout CONFIGURED
