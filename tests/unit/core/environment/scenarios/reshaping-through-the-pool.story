# Processors leave a run for the pool, and come back from it with their processes; nobody else hears of it

given task sampler on flp1
given task proc1 on epn1
given task proc2 on epn2
given task proc3 on epn3
given it is RUNNING in run 17

# who leaves comes to rest first; one of them cannot, and is ended like any other
when teo modifies it: remove proc2; remove proc3; drain 2 s; keep its tasks
  epn2 is told [4]: proc2 -> STANDBY in 120 s, with run_end_time_ms=1000000 drain_ms=2000
  epn3 is told [4]: proc3 -> STANDBY in 120 s, with run_end_time_ms=1000000 drain_ms=2000
  = RUNNING, run 17; MODIFY under way, waiting for proc2, proc3 (epn2, epn3 not heard yet); wakes in 1 s

when epn2 obeys
  the world hears: on epn2 proc2 STANDBY
  = RUNNING, run 17; MODIFY under way, waiting for proc3 (epn3 not heard yet); wakes in 1 s

when proc3 cannot: it hangs
  the world hears: on epn3 proc3 ERROR
  the world hears: proc3 on epn3 FAILED, ERROR (critical, policy fail): it hangs
  the pool has proc2 on epn2 in STANDBY, last ordered [4]
  epn3 is told [5]: proc3 -> DONE in 120 s, with run_end_time_ms=1000000 drain_ms=2000

when epn3 obeys
  the world hears: on epn3 proc3 DONE
  hosts, ports and memory are released: proc3
  teo's MODIFY is answered: TaskError:
    | MODIFY of environment E failed: 1 task did not get there
    | role root.proc3 (task proc3, class-of-proc3) on host epn3: STANDBY in state IDLE: it hangs
  = RUNNING, run 17

# the pool has ordered proc2 once more since: whoever claims it orders above that
when teo modifies it: claim proc2 on epn2, which had order 9; add proc4 on epn3
  claimed from the pool: proc2
  hosts, ports and memory are allocated: proc2, proc4
  epn2 is told [10]: start and configure proc2 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  epn3 is told [10]: start and configure proc4 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = RUNNING, run 17; MODIFY under way, waiting for proc2, proc4 (epn2, epn3 not heard yet); wakes in 1 s

when everybody obeys
  the world hears: on epn2 proc2 RUNNING
  = RUNNING, run 17; MODIFY under way, waiting for proc4 (epn3 not heard yet); wakes in 1 s
  the world hears: on epn3 proc4 RUNNING
  teo's MODIFY is answered: done
  = RUNNING, run 17

when teo asks for STOP_ACTIVITY
  flp1 is told [11]: sampler -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  epn1 is told [11]: proc1 -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  epn2 is told [11]: proc2 -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  epn3 is told [11]: proc4 -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for proc1, proc2, proc4, sampler (flp1, epn1, epn2, epn3 not heard yet); wakes in 1 s

when everybody obeys
  the world hears: on flp1 sampler CONFIGURED
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for proc1, proc2, proc4 (epn1, epn2, epn3 not heard yet); wakes in 1 s
  the world hears: on epn1 proc1 CONFIGURED
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for proc2, proc4 (epn2, epn3 not heard yet); wakes in 1 s
  the world hears: on epn2 proc2 CONFIGURED
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for proc4 (epn3 not heard yet); wakes in 1 s
  the world hears: on epn3 proc4 CONFIGURED
  run 17 is over
  the world hears: CONFIGURED
  teo's STOP_ACTIVITY is answered: done
  = CONFIGURED
