# A task whose loss is ignored stays without weight in a modification: the tolerated loss is still to be had

given task a on h1: policy ignore
given task b on h2
given task c on h3
given 1 loss tolerated
given it is RUNNING in run 17

when a dies: killed by signal 9
  the world hears: on h1 a ERROR
  the world hears: a on h1 FAILED, ERROR (critical, policy ignore): killed by signal 9
  = RUNNING, run 17; lost: a (killed by signal 9)

when teo modifies it: set rate of c to 5
  h3 is told [4]: start and configure c -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = RUNNING, run 17; MODIFY under way, waiting for c (h3 not heard yet); lost: a (killed by signal 9); wakes in 1 s

when everybody obeys
  teo's MODIFY is answered: done
  = RUNNING, run 17; lost: a (killed by signal 9)

when b dies: killed by signal 9
  the world hears: on h2 b ERROR
  the world hears: b on h2 FAILED, ERROR (critical, policy fail): killed by signal 9
  = RUNNING, run 17; lost: a (killed by signal 9), b (killed by signal 9)

when teo asks for STOP_ACTIVITY
  h3 is told [5]: c -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for c (h3 not heard yet); lost: a (killed by signal 9), b (killed by signal 9); wakes in 1 s

when everybody obeys
  the world hears: on h3 c CONFIGURED
  run 17 is over
  the world hears: CONFIGURED
  teo's STOP_ACTIVITY is answered: done
  = CONFIGURED; lost: a (killed by signal 9), b (killed by signal 9)
