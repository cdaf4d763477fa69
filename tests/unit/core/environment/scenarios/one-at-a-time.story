# While one transition is under way another is refused, and says whose it is

given task readout on flp1
given it is CONFIGURED

when teo asks for START_ACTIVITY, as run 17
  run 17 begins
  flp1 is told [3]: readout -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = CONFIGURED, run 17; START_ACTIVITY under way, waiting for readout (flp1 not heard yet); wakes in 1 s

when ada asks for RESET
  refused, InvalidRequestError: environment E is in the middle of START_ACTIVITY, asked by teo: ask for RESET when it is over, or destroy the environment

when ada modifies it: add stfb on flp2
  refused, InvalidRequestError: environment E is in the middle of START_ACTIVITY, asked by teo: ask for MODIFY when it is over, or destroy the environment

when flp1 obeys
  the world hears: on flp1 readout RUNNING
  the world hears: RUNNING, run 17
  teo's START_ACTIVITY is answered: done
  = RUNNING, run 17

when ada asks for RESET
  refused, IllegalTransitionError: environment E is RUNNING and cannot RESET; from here it can do STOP_ACTIVITY, MODIFY, GO_ERROR
