# A task whose policy is stop ends the run in order, not the environment

given task readout on flp1
given task calibrator on flp2: policy stop
given it is RUNNING in run 17

when calibrator dies: exit code 2
  the world hears: on flp2 calibrator ERROR
  the world hears: calibrator on flp2 FAILED, ERROR (critical, policy stop): exit code 2
  flp1 is told [4]: readout -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for readout (flp1 not heard yet); lost: calibrator (exit code 2); wakes in 1 s

when everybody obeys
  the world hears: on flp1 readout CONFIGURED
  run 17 is over
  the world hears: CONFIGURED:
    | role root.calibrator: exit code 2
  = CONFIGURED; lost: calibrator (exit code 2)
