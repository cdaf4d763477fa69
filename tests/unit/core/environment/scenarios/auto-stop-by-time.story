# A run that stops by itself after a minute and a half

given task readout on flp1
given auto_stop_enabled = true
given auto_stop_timeout = 1m30s
given it is CONFIGURED

when teo asks for START_ACTIVITY, as run 17
  run 17 begins
  flp1 is told [3]: readout -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = CONFIGURED, run 17; START_ACTIVITY under way, waiting for readout (flp1 not heard yet); wakes in 1 s

when flp1 obeys
  the world hears: on flp1 readout RUNNING
  the world hears: RUNNING, run 17
  teo's START_ACTIVITY is answered: done
  = RUNNING, run 17; wakes in 90 s

when 89 s pass
  nothing follows

when 1 s passes
  after 1 s
    flp1 is told [4]: readout -> CONFIGURED in 90 s, with run_end_time_ms=1090000
    = RUNNING, run 17; STOP_ACTIVITY under way, waiting for readout (flp1 not heard yet); wakes in 1 s

when flp1 obeys
  the world hears: on flp1 readout CONFIGURED
  run 17 is over
  the world hears: CONFIGURED:
    | auto-stop
  = CONFIGURED
