# Control moves a task, and its new host is not heard until the deadline: the task is ordered again

given task readout on flp1
given task proc on epn1: policy restart
given it is RUNNING in run 17

when epn1 is lost
  another host is looked for: proc
  = RUNNING, run 17; unreachable: epn1

when control modifies it: move proc as proc-2 to epn2
  hosts, ports and memory are released: proc
  hosts, ports and memory are allocated: proc-2
  epn2 is told [4]: start and configure proc-2 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = RUNNING, run 17; MODIFY under way, waiting for proc-2 (epn2 not heard yet); unreachable: epn1; wakes in 1 s

when 135 s pass
  after 1 s
    epn2 is told again, as a Salt job, [4]: start and configure proc-2 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  after 2 s
    epn2 is told again, as a Salt job, [4]: start and configure proc-2 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  after 4 s
    epn2 is told again, as a Salt job, [4]: start and configure proc-2 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  after 8 s
    epn2 is told again, as a Salt job, [4]: start and configure proc-2 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  after 16 s
    epn2 is told again, as a Salt job, [4]: start and configure proc-2 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  after 94 s
    control's MODIFY is answered: done
    = RUNNING, run 17; unreachable: epn1; bringing back proc-2; wakes in 0.25 s
  after 0.25 s
    epn2 is told [5]: start and configure proc-2 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  after 1 s
    epn2 is told again, as a Salt job, [5]: start and configure proc-2 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  after 2 s
    epn2 is told again, as a Salt job, [5]: start and configure proc-2 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  after 4 s
    epn2 is told again, as a Salt job, [5]: start and configure proc-2 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0

when epn2 obeys
  the world hears: on epn2 proc-2 RUNNING
  the world hears: proc-2 on epn2 is BACK after 10 s, restart 1; it was: no answer within 125 s; host epn2 has not acknowledged the command
  = RUNNING, run 17; unreachable: epn1
