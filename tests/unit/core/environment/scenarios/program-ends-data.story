# Exit code 0 of a program that is not critical ends the data only if its role says so

given task readout on flp1
given task helper on flp1: basic, not critical
given task player on flp1: basic, not critical, ends the data
given it is RUNNING in run 17

when helper ends
  the world hears: on flp1 helper DONE

when player ends
  the world hears: on flp1 player DONE
  flp1 is told [4]: readout, helper, player -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for helper, player, readout (flp1 not heard yet); wakes in 1 s

when everybody obeys
  the world hears: on flp1 readout CONFIGURED, helper CONFIGURED, player CONFIGURED
  run 17 is over
  the world hears: CONFIGURED:
    | end of data
  = CONFIGURED
