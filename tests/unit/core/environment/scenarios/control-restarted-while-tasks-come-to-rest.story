# Control is killed while tasks of a modification come to rest for the pool: they go on, and the pool has them

given task sampler on flp1
given task proc1 on epn1
given it is RUNNING in run 17

when teo modifies it: remove proc1; keep its tasks
  epn1 is told [4]: proc1 -> STANDBY in 120 s, with run_end_time_ms=1000000
  = RUNNING, run 17; MODIFY under way, waiting for proc1 (epn1 not heard yet); wakes in 1 s

# proc1 is in the plan no more, and nothing was heard of it yet: it may be well
when control is restarted
  flp1 is told [5]: start and configure sampler -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = RUNNING, run 17; MODIFY under way, waiting for sampler (flp1 not heard yet); wakes in 1 s

when everybody obeys
  the world hears: on epn1 proc1 STANDBY
  the world hears: on flp1 sampler RUNNING
  epn1 is told [6]: proc1 -> STANDBY in 120 s, with run_end_time_ms=1000000
  = RUNNING, run 17; MODIFY under way, waiting for proc1 (epn1 not heard yet); wakes in 1 s
  the pool has proc1 on epn1 in STANDBY, last ordered [6]
  = RUNNING, run 17
