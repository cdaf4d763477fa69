# A host is lost and what it had can run nowhere else: borne once, an error the second time

given task epn1 on e1: policy restart
given task epn2 on e2: policy restart
given task epn3 on e3: policy restart
given 1 loss tolerated
given it is RUNNING in run 17

when e1 is lost
  another host is looked for: epn1
  = RUNNING, run 17; unreachable: e1

when no other place is found for epn1: its tasks are bound to their lost host
  = RUNNING, run 17; lost: epn1 (its tasks are bound to their lost host); unreachable: e1

when e2 is lost
  another host is looked for: epn2
  = RUNNING, run 17; lost: epn1 (its tasks are bound to their lost host); unreachable: e1, e2

when no other place is found for epn2: its tasks are bound to their lost host
  e3 is told [4]: epn3 -> CONFIGURED in 10 s, with run_end_time_ms=1000000
  run 17 is over
  the world hears: ERROR:
    | environment E in RUNNING failed: 1 task did not get there
    | role root.epn2 (task epn2, class-of-epn2) on host e2: move in state -: its tasks are bound to their lost host
    |   what to do: bring its host back, or exclude it
  = ERROR; lost: epn1 (its tasks are bound to their lost host); unreachable: e1, e2

when everybody obeys
  the world hears: on e3 epn3 CONFIGURED
