# Control is killed in the middle of START, and takes it up where it was
#
# flp1 had obeyed already, but its report was lost with control. Nobody is asked twice for another run.

given task readout on flp1
given task stfb on flp2
given it is CONFIGURED

when teo asks for START_ACTIVITY, as run 17
  run 17 begins
  flp1 is told [3]: readout -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  flp2 is told [3]: stfb -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = CONFIGURED, run 17; START_ACTIVITY under way, waiting for readout, stfb (flp1, flp2 not heard yet); wakes in 1 s

when flp1 obeys, but its report is lost
  nothing follows

when control is restarted
  run 17 begins
  flp1 is told [4]: readout -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  flp2 is told [4]: stfb -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0

when flp1 obeys
  the world hears: on flp1 readout RUNNING
  = CONFIGURED, run 17; START_ACTIVITY under way, waiting for stfb (flp2 not heard yet); wakes in 1 s

when flp2 obeys
  the world hears: on flp2 stfb RUNNING
  the world hears: RUNNING, run 17:
    | control was restarted
  = RUNNING, run 17
