# A program ends its data while the environment is modified: the run is stopped when the modification is over

given task readout on flp1
given task extra on flp2
given task program on flp1: basic
given it is RUNNING in run 17

when teo modifies it: exclude extra (noisy)
  flp2 is told [4]: extra -> STANDBY in 120 s, with run_end_time_ms=1000000
  = RUNNING, run 17; MODIFY under way, waiting for extra (flp2 not heard yet); excluded: extra (noisy); wakes in 1 s

when program ends
  the world hears: on flp1 program DONE

when everybody obeys
  the world hears: on flp2 extra STANDBY
  teo's MODIFY is answered: done
  flp1 is told [5]: readout, program -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for program, readout (flp1 not heard yet); excluded: extra (noisy); wakes in 1 s
  the world hears: on flp1 readout CONFIGURED, program CONFIGURED
  run 17 is over
  the world hears: CONFIGURED:
    | end of data
  = CONFIGURED; excluded: extra (noisy)

when everybody obeys
  nothing follows
