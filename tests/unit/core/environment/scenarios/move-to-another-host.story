# A task is moved: its successor joins on the other host, then it goes

given task sampler on flp1
given task proc on epn1
given it is RUNNING in run 17

when teo modifies it: move proc as proc-2 to epn2
  hosts, ports and memory are allocated: proc-2
  epn2 is told [4]: start and configure proc-2 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = RUNNING, run 17; MODIFY under way, waiting for proc-2 (epn2 not heard yet); wakes in 1 s

when epn2 obeys
  the world hears: on epn2 proc-2 RUNNING
  epn1 is told [5]: proc -> DONE in 120 s, with run_end_time_ms=1000000
  = RUNNING, run 17; MODIFY under way, waiting for proc (epn1 not heard yet); wakes in 1 s

when epn1 obeys
  the world hears: on epn1 proc DONE
  hosts, ports and memory are released: proc
  teo's MODIFY is answered: done
  = RUNNING, run 17

when teo asks for STOP_ACTIVITY
  flp1 is told [6]: sampler -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  epn2 is told [6]: proc-2 -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for proc-2, sampler (flp1, epn2 not heard yet); wakes in 1 s

when everybody obeys
  the world hears: on flp1 sampler CONFIGURED
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for proc-2 (epn2 not heard yet); wakes in 1 s
  the world hears: on epn2 proc-2 CONFIGURED
  run 17 is over
  the world hears: CONFIGURED
  teo's STOP_ACTIVITY is answered: done
  = CONFIGURED
