# Control moves a task and configures its peer anew; the peer, whose policy is fail, fails: ERROR

given task readout on flp1
given task proc on epn1: policy restart
given it is RUNNING in run 17

when epn1 is lost
  another host is looked for: proc
  = RUNNING, run 17; unreachable: epn1

when control modifies it: move proc as proc-2 to epn2; set rate of readout to 5
  hosts, ports and memory are released: proc
  hosts, ports and memory are allocated: proc-2
  flp1 is told [4]: start and configure readout -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  epn2 is told [4]: start and configure proc-2 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = RUNNING, run 17; MODIFY under way, waiting for proc-2, readout (flp1, epn2 not heard yet); unreachable: epn1; wakes in 1 s

when readout cannot: no such address
  the world hears: on flp1 readout ERROR
  the world hears: readout on flp1 FAILED, ERROR (critical, policy fail): no such address
  run 17 is over
  the world hears: ERROR:
    | environment E in RUNNING failed: 1 task did not get there
    | role root.readout (task readout, class-of-readout) on host flp1: RUNNING in state IDLE: no such address
  control's MODIFY is answered: TaskError:
    | environment E in RUNNING failed: 1 task did not get there
    | role root.readout (task readout, class-of-readout) on host flp1: RUNNING in state IDLE: no such address
  = ERROR; unreachable: epn1

when everybody obeys
  the world hears: on epn2 proc-2 RUNNING
