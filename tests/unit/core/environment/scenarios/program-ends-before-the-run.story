# A program ends while the run is still starting: the run is stopped as soon as it has started

given task readout on flp1
given task program on flp2: basic
given it is CONFIGURED

when teo asks for START_ACTIVITY, as run 17
  run 17 begins
  flp1 is told [3]: readout -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  flp2 is told [3]: program -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = CONFIGURED, run 17; START_ACTIVITY under way, waiting for program, readout (flp1, flp2 not heard yet); wakes in 1 s

when program runs
  the world hears: on flp2 program RUNNING
  = CONFIGURED, run 17; START_ACTIVITY under way, waiting for readout (flp1 not heard yet); wakes in 1 s

when program ends
  the world hears: on flp2 program DONE

when everybody obeys
  the world hears: on flp1 readout RUNNING
  the world hears: RUNNING, run 17
  teo's START_ACTIVITY is answered: done
  flp1 is told [4]: readout -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  flp2 is told [4]: program -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for program, readout (flp1, flp2 not heard yet); wakes in 1 s
  the world hears: on flp2 program CONFIGURED
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for readout (flp1 not heard yet); wakes in 1 s
  the world hears: on flp1 readout CONFIGURED
  run 17 is over
  the world hears: CONFIGURED:
    | end of data
  = CONFIGURED

when everybody obeys
  nothing follows
