# Control moves a task that may be started once: when it cannot join twice, the environment goes to ERROR

given recovery_restarts = 1
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

when proc-2 cannot: no such program
  the world hears: on epn2 proc-2 ERROR
  the world hears: proc-2 on epn2 FAILED, ERROR (critical, policy restart): no such program
  control's MODIFY is answered: done
  = RUNNING, run 17; unreachable: epn1; bringing back proc-2; wakes in 0.25 s

when 0.5 s pass
  after 0.25 s
    epn2 is told [5]: start and configure proc-2 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0

when proc-2 cannot: no such program
  the world hears: proc-2 on epn2 FAILED, ERROR (critical, policy restart): no such program
  flp1 is told [6]: readout -> CONFIGURED in 10 s, with run_end_time_ms=1000500
  run 17 is over
  the world hears: ERROR:
    | environment E in RUNNING failed: 1 task did not get there
    | role root.proc-2 (task proc-2, class-of-proc) on host epn2: RUNNING in state IDLE: no such program
    | role root.proc-2: it was started again 1 times in 30 minutes, which is enough
  = ERROR; unreachable: epn1

when everybody obeys
  the world hears: on flp1 readout CONFIGURED
