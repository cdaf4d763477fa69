# Control is restarted in a user's modification: only the task that the user added may be excluded

given task readout on flp1
given task proc on epn1: policy restart
given it is RUNNING in run 17

when teo modifies it: add extra on epn2
  hosts, ports and memory are allocated: extra
  epn2 is told [4]: start and configure extra -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = RUNNING, run 17; MODIFY under way, waiting for extra (epn2 not heard yet); wakes in 1 s

when control is restarted
  flp1 is told [5]: start and configure readout -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  epn1 is told [5]: start and configure proc -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  epn2 is told [5]: start and configure extra -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = RUNNING, run 17; MODIFY under way, waiting for extra, proc, readout (flp1, epn1, epn2 not heard yet); wakes in 1 s

when proc dies: killed by signal 9
  the world hears: on epn1 proc ERROR
  the world hears: proc on epn1 FAILED, ERROR (critical, policy restart): killed by signal 9
  = RUNNING, run 17; MODIFY under way, waiting for extra, proc, readout (flp1, epn1, epn2 not heard yet); bringing back proc; wakes in 0.25 s

when extra cannot: no such program
  the world hears: on epn2 extra ERROR
  the world hears: extra on epn2 FAILED, ERROR (critical, policy fail): no such program
  = RUNNING, run 17; MODIFY under way, waiting for proc, readout (flp1, epn1 not heard yet); bringing back proc; wakes in 0.25 s

when 0.5 s pass
  after 0.25 s
    epn1 is told [6]: start and configure proc -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0

when everybody obeys
  the world hears: on flp1 readout RUNNING
  = RUNNING, run 17; MODIFY under way, waiting for proc (epn1 not heard yet); bringing back proc; wakes in 0.5 s
  the world hears: on epn1 proc RUNNING
  the world hears: proc on epn1 is BACK after 0.5 s, restart 1; it was: killed by signal 9
  epn2 is told [7]: extra -> DONE in 30 s
  = RUNNING, run 17; excluded: extra (no such program)
  the world hears: on epn2 extra DONE
