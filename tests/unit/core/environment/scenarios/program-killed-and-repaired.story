# A killed program is started again; the end of the data does not overtake its repair, and is not lost by it

given task readout on flp1
given task sink on epn1
given task monitor on flp1: basic, not critical, policy restart
given it is RUNNING in run 17

when monitor dies: killed by signal 9
  the world hears: on flp1 monitor ERROR
  the world hears: monitor on flp1 FAILED, ERROR (not critical, policy restart): killed by signal 9
  = RUNNING, run 17; lost: monitor (killed by signal 9); bringing back monitor; wakes in 0.25 s

when sink announces END_OF_STREAM
  nothing follows

when 0.3 s pass
  after 0.25 s
    flp1 is told [4]: start monitor -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0

when flp1 obeys
  the world hears: on flp1 monitor RUNNING
  the world hears: monitor on flp1 is BACK after 0.3 s, restart 1; it was: killed by signal 9
  flp1 is told [5]: readout, monitor -> CONFIGURED in 90 s, with run_end_time_ms=1000300
  epn1 is told [5]: sink -> CONFIGURED in 90 s, with run_end_time_ms=1000300
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for monitor, readout, sink (flp1, epn1 not heard yet); wakes in 1 s

when everybody obeys
  the world hears: on flp1 readout CONFIGURED, monitor CONFIGURED
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for sink (epn1 not heard yet); wakes in 1 s
  the world hears: on epn1 sink CONFIGURED
  run 17 is over
  the world hears: CONFIGURED:
    | end of data
  = CONFIGURED
