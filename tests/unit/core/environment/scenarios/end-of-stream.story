# A run that stops by itself because its data have come to their end

given task reader on flp1
given task sink on epn1
given it is RUNNING in run 17

when reader announces END_OF_STREAM
  flp1 is told [4]: reader -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  epn1 is told [4]: sink -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for reader, sink (flp1, epn1 not heard yet); wakes in 1 s

when everybody obeys
  the world hears: on flp1 reader CONFIGURED
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for sink (epn1 not heard yet); wakes in 1 s
  the world hears: on epn1 sink CONFIGURED
  run 17 is over
  the world hears: CONFIGURED:
    | end of data
  = CONFIGURED
