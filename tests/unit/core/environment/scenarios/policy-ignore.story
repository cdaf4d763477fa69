# A task whose policy is ignore is gone without; a person may bring it back

given task readout on flp1
given task qc on epn1: policy ignore
given it is RUNNING in run 17

when qc dies: exit code 2
  the world hears: on epn1 qc ERROR
  the world hears: qc on epn1 FAILED, ERROR (critical, policy ignore): exit code 2
  = RUNNING, run 17; lost: qc (exit code 2)

when a rule asks to recover qc
  nothing follows

when ada asks to recover qc
  epn1 is told [4]: start and configure qc -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = RUNNING, run 17; lost: qc (exit code 2); bringing back qc; wakes in 1 s

when epn1 obeys
  the world hears: on epn1 qc RUNNING
  the world hears: qc on epn1 is BACK after 0 s, restart 1; it was: asked for by ada
  = RUNNING, run 17
