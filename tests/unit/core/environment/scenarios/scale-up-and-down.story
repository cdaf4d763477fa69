# More processors join a run, and fewer stay: who joins is there before anybody leaves

given task sampler on flp1
given task proc0 on epn1
given it is RUNNING in run 17

when teo modifies it: add proc1 on epn2; add proc2 on epn3
  hosts, ports and memory are allocated: proc1, proc2
  epn2 is told [4]: start and configure proc1 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  epn3 is told [4]: start and configure proc2 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = RUNNING, run 17; MODIFY under way, waiting for proc1, proc2 (epn2, epn3 not heard yet); wakes in 1 s

when epn2 obeys
  the world hears: on epn2 proc1 RUNNING
  = RUNNING, run 17; MODIFY under way, waiting for proc2 (epn3 not heard yet); wakes in 1 s

when epn3 obeys
  the world hears: on epn3 proc2 RUNNING
  teo's MODIFY is answered: done
  = RUNNING, run 17

when teo modifies it: add proc3 on epn1; remove proc1; remove proc2; drain 1.5 s
  hosts, ports and memory are allocated: proc3
  epn1 is told [5]: start and configure proc3 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = RUNNING, run 17; MODIFY under way, waiting for proc3 (epn1 not heard yet); wakes in 1 s

when epn1 obeys
  the world hears: on epn1 proc3 RUNNING
  epn2 is told [6]: proc1 -> DONE in 120 s, with run_end_time_ms=1000000 drain_ms=1500
  epn3 is told [6]: proc2 -> DONE in 120 s, with run_end_time_ms=1000000 drain_ms=1500
  = RUNNING, run 17; MODIFY under way, waiting for proc1, proc2 (epn2, epn3 not heard yet); wakes in 1 s

when everybody obeys
  the world hears: on epn2 proc1 DONE
  = RUNNING, run 17; MODIFY under way, waiting for proc2 (epn3 not heard yet); wakes in 1 s
  the world hears: on epn3 proc2 DONE
  hosts, ports and memory are released: proc1, proc2
  teo's MODIFY is answered: done
  = RUNNING, run 17
