# The order that restarts a task is lost on its way: control sends it again, the sure way

given task a on h1: policy restart
given task b on h1: policy restart
given it is RUNNING in run 17

when a dies: killed by signal 9
  the world hears: on h1 a ERROR
  the world hears: a on h1 FAILED, ERROR (critical, policy restart): killed by signal 9
  = RUNNING, run 17; bringing back a; wakes in 0.25 s

when 0.5 s pass
  after 0.25 s
    h1 is told [4]: start and configure a -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0

when 2 s pass
  after 0.75 s
    h1 is told again, as a Salt job, [4]: start and configure a -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0

when b dies: killed by signal 9
  the world hears: on h1 b ERROR
  the world hears: b on h1 FAILED, ERROR (critical, policy restart): killed by signal 9
  = RUNNING, run 17; bringing back a, b; wakes in 0.25 s

when 0.5 s pass
  after 0.25 s
    h1 is told [5]: start and configure b -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0

when everybody obeys
  the world hears: on h1 a RUNNING, b RUNNING
  the world hears: a on h1 is BACK after 3 s, restart 1; it was: killed by signal 9
  the world hears: b on h1 is BACK after 0.5 s, restart 1; it was: killed by signal 9
  = RUNNING, run 17
