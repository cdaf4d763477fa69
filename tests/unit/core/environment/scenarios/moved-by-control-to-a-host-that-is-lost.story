# Control moves a task, and its new host is lost, too: another place is looked for at once

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

when epn2 is lost
  another host is looked for: proc-2
  control's MODIFY is answered: done
  = RUNNING, run 17; unreachable: epn1, epn2

when control modifies it: move proc-2 as proc-3 to epn3
  hosts, ports and memory are released: proc-2
  hosts, ports and memory are allocated: proc-3
  epn3 is told [5]: start and configure proc-3 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = RUNNING, run 17; MODIFY under way, waiting for proc-3 (epn3 not heard yet); unreachable: epn1, epn2; wakes in 1 s

when epn3 obeys
  the world hears: on epn3 proc-3 RUNNING
  control's MODIFY is answered: done
  = RUNNING, run 17; unreachable: epn1, epn2
