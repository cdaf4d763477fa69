# A host is lost while RUNNING, and its tasks find another
#
# When it comes back, its stale task is a stranger: the environment has no such task any more.

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

when epn2 obeys
  the world hears: on epn2 proc-2 RUNNING
  control's MODIFY is answered: done
  = RUNNING, run 17; unreachable: epn1

when epn1's last report comes again
  = RUNNING, run 17
