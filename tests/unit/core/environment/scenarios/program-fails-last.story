# One program ends well, the last one fails and its failure is ignored: the end of the data names the failure

given task readout on flp1
given task first on flp1: basic
given task last on flp1: basic, policy ignore
given it is RUNNING in run 17

when first ends
  the world hears: on flp1 first DONE

when last ends with exit code 7
  the world hears: on flp1 last ERROR
  the world hears: last on flp1 FAILED, ERROR (critical, policy ignore): exit code 7
  flp1 is told [4]: readout, first -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for first, readout (flp1 not heard yet); lost: last (exit code 7); wakes in 1 s

when everybody obeys
  the world hears: on flp1 readout CONFIGURED, first CONFIGURED
  run 17 is over
  the world hears: CONFIGURED:
    | end of data; role root.last failed: exit code 7
  = CONFIGURED; lost: last (exit code 7)
