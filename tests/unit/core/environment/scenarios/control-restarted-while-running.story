# Control is killed while nothing but data goes on: no order is sent, and what died meanwhile is told

given task readout on flp1
given task proc on epn1: policy restart
given it is RUNNING in run 17

when control is restarted
  nothing follows

when flp1 tells all it has
  the world hears: on flp1 readout RUNNING

when proc dies: exit code 139
  the world hears: on epn1 proc ERROR
  the world hears: proc on epn1 FAILED, ERROR (critical, policy restart): exit code 139
  = RUNNING, run 17; bringing back proc; wakes in 0.25 s

when 0.25 s pass
  after 0.25 s
    epn1 is told [4]: start and configure proc -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0

when epn1 obeys
  the world hears: on epn1 proc RUNNING
  the world hears: proc on epn1 is BACK after 0.25 s, restart 1; it was: exit code 139
  = RUNNING, run 17
