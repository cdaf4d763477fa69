# A newcomer that cannot join is left out; the run goes on, and whoever asked is told

given task sampler on flp1
given it is RUNNING in run 17

when teo modifies it: add proc1 on epn2; add proc2 on epn3
  hosts, ports and memory are allocated: proc1, proc2
  epn2 is told [4]: start and configure proc1 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  epn3 is told [4]: start and configure proc2 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = RUNNING, run 17; MODIFY under way, waiting for proc1, proc2 (epn2, epn3 not heard yet); wakes in 1 s

when proc1 cannot: no such program
  the world hears: on epn2 proc1 ERROR
  the world hears: proc1 on epn2 FAILED, ERROR (critical, policy fail): no such program
  = RUNNING, run 17; MODIFY under way, waiting for proc2 (epn3 not heard yet); wakes in 1 s

when epn3 obeys
  the world hears: on epn3 proc2 RUNNING
  epn2 is told [5]: proc1 -> DONE in 30 s
  teo's MODIFY is answered: TaskError:
    | MODIFY of environment E failed: 1 task did not get there
    | role root.proc1 (task proc1, class-of-proc1) on host epn2: RUNNING in state IDLE: no such program
  = RUNNING, run 17; excluded: proc1 (no such program)

when epn2 obeys
  the world hears: on epn2 proc1 DONE
