# A machine comes back under another name in the middle of a stop: its tasks are the same, and the order is sent there

given task readout on flp1
given task sink on epn1
given it is RUNNING in run 17

when teo asks for STOP_ACTIVITY
  flp1 is told [4]: readout -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  epn1 is told [4]: sink -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for readout, sink (flp1, epn1 not heard yet); wakes in 1 s

when the machine of flp1 reports as flp9
  flp9 is told [4]: readout -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for readout, sink (epn1, flp9 not heard yet); wakes in 1 s

when flp9 obeys
  the world hears: on flp9 readout CONFIGURED
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for sink (epn1 not heard yet); wakes in 1 s

when epn1 obeys
  the world hears: on epn1 sink CONFIGURED
  run 17 is over
  the world hears: CONFIGURED
  teo's STOP_ACTIVITY is answered: done
  = CONFIGURED

when teo asks for START_ACTIVITY, as run 18
  run 18 begins
  flp9 is told [5]: readout -> RUNNING in 90 s, with run_number=18 run_start_time_ms=1000000 cleanup=1
  epn1 is told [5]: sink -> RUNNING in 90 s, with run_number=18 run_start_time_ms=1000000 cleanup=1
  = CONFIGURED, run 18; START_ACTIVITY under way, waiting for readout, sink (flp9, epn1 not heard yet); wakes in 1 s

when everybody obeys
  the world hears: on flp9 readout RUNNING
  = CONFIGURED, run 18; START_ACTIVITY under way, waiting for sink (epn1 not heard yet); wakes in 1 s
  the world hears: on epn1 sink RUNNING
  the world hears: RUNNING, run 18
  teo's START_ACTIVITY is answered: done
  = RUNNING, run 18
