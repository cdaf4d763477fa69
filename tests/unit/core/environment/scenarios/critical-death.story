# A task that is needed dies while RUNNING
#
# The run is over and the environment is in ERROR; what still runs is stopped, and nobody is waited for.

given task readout on flp1
given task stfb on epn1
given it is RUNNING in run 17

when readout dies: killed by signal 9
  the world hears: on flp1 readout ERROR
  the world hears: readout on flp1 FAILED, ERROR (critical, policy fail): killed by signal 9
  epn1 is told [4]: stfb -> CONFIGURED in 10 s, with run_end_time_ms=1000000
  run 17 is over
  the world hears: ERROR:
    | environment E in RUNNING failed: 1 task did not get there
    | role root.readout (task readout, class-of-readout) on host flp1: - in state RUNNING: killed by signal 9
  = ERROR

when epn1 obeys
  the world hears: on epn1 stfb CONFIGURED

when ada asks for RECOVER
  flp1 is told [5]: start and configure readout -> CONFIGURED in 120 s
  epn1 is told [5]: start and configure stfb -> CONFIGURED in 120 s
  = ERROR; RECOVER under way, waiting for readout, stfb (flp1, epn1 not heard yet); wakes in 1 s

when everybody obeys
  the world hears: on flp1 readout CONFIGURED
  = ERROR; RECOVER under way, waiting for stfb (epn1 not heard yet); wakes in 1 s
  the world hears: CONFIGURED
  ada's RECOVER is answered: done
  = CONFIGURED

when ada asks for START_ACTIVITY, as run 18
  run 18 begins
  flp1 is told [6]: readout -> RUNNING in 90 s, with run_number=18 run_start_time_ms=1000000 cleanup=1
  epn1 is told [6]: stfb -> RUNNING in 90 s, with run_number=18 run_start_time_ms=1000000 cleanup=1
  = CONFIGURED, run 18; START_ACTIVITY under way, waiting for readout, stfb (flp1, epn1 not heard yet); wakes in 1 s

when everybody obeys
  the world hears: on flp1 readout RUNNING
  = CONFIGURED, run 18; START_ACTIVITY under way, waiting for stfb (epn1 not heard yet); wakes in 1 s
  the world hears: on epn1 stfb RUNNING
  the world hears: RUNNING, run 18
  ada's START_ACTIVITY is answered: done
  = RUNNING, run 18
