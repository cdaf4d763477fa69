# A host that was lost returns without its task before control finds that it can run nowhere else: it is started there

given task readout on flp1
given task proc on epn1: policy restart
given task beside on epn1: policy restart
given it is RUNNING in run 17

when epn1 is lost
  another host is looked for: proc, beside
  = RUNNING, run 17; unreachable: epn1

when beside announces DATA
  the world hears: on epn1 beside RUNNING
  = RUNNING, run 17

when no other place is found for proc, beside: its tasks are bound to their lost host
  = RUNNING, run 17; bringing back proc; wakes in 0.25 s

when 0.5 s pass
  after 0.25 s
    epn1 is told [4]: start and configure proc -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0

when everybody obeys
  the world hears: on epn1 proc RUNNING
  the world hears: proc on epn1 is BACK after 0.5 s, restart 1; it was: its tasks are bound to their lost host
  = RUNNING, run 17
