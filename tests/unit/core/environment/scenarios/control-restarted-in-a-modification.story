# Control is killed in the middle of a modification: everybody is ordered where they should be

given task sampler on flp1
given task proc1 on epn1
given it is RUNNING in run 17

when teo modifies it: add proc2 on epn2
  hosts, ports and memory are allocated: proc2
  epn2 is told [4]: start and configure proc2 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = RUNNING, run 17; MODIFY under way, waiting for proc2 (epn2 not heard yet); wakes in 1 s

when control is restarted
  flp1 is told [5]: start and configure sampler -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  epn1 is told [5]: start and configure proc1 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  epn2 is told [5]: start and configure proc2 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = RUNNING, run 17; MODIFY under way, waiting for proc1, proc2, sampler (flp1, epn1, epn2 not heard yet); wakes in 1 s

when everybody obeys
  the world hears: on epn2 proc2 RUNNING
  = RUNNING, run 17; MODIFY under way, waiting for proc1, sampler (flp1, epn1 not heard yet); wakes in 1 s
  the world hears: on flp1 sampler RUNNING
  = RUNNING, run 17; MODIFY under way, waiting for proc1 (epn1 not heard yet); wakes in 1 s
  the world hears: on epn1 proc1 RUNNING
  = RUNNING, run 17
