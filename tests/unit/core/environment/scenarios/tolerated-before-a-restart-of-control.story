# One loss is tolerated; after a restart of control the second loss still leads to ERROR

given task a on h1
given task b on h2
given task c on h3
given 1 loss tolerated
given it is RUNNING in run 17

when a dies: killed by signal 9
  the world hears: on h1 a ERROR
  the world hears: a on h1 FAILED, ERROR (critical, policy fail): killed by signal 9
  = RUNNING, run 17; lost: a (killed by signal 9)

when control is restarted
  nothing follows

when h1 tells all it has
  the world hears: on h1 a ERROR
  the world hears: a on h1 FAILED, ERROR (critical, policy fail): killed by signal 9

when h2 tells all it has
  the world hears: on h2 b RUNNING

when h3 tells all it has
  the world hears: on h3 c RUNNING

when b dies: killed by signal 9
  the world hears: on h2 b ERROR
  the world hears: b on h2 FAILED, ERROR (critical, policy fail): killed by signal 9
  h3 is told [4]: c -> CONFIGURED in 10 s, with run_end_time_ms=1000000
  run 17 is over
  the world hears: ERROR:
    | environment E in RUNNING failed: 1 task did not get there
    | role root.b (task b, class-of-b) on host h2: - in state RUNNING: killed by signal 9
  = ERROR; lost: a (killed by signal 9)
