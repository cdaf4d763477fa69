# RECOVER that fails leaves the environment in ERROR, with the new reason

given task readout on flp1
given task stfb on epn1
given it is RUNNING in run 17

when readout dies: killed by signal 11
  the world hears: on flp1 readout ERROR
  the world hears: readout on flp1 FAILED, ERROR (critical, policy fail): killed by signal 11
  epn1 is told [4]: stfb -> CONFIGURED in 10 s, with run_end_time_ms=1000000
  run 17 is over
  the world hears: ERROR:
    | environment E in RUNNING failed: 1 task did not get there
    | role root.readout (task readout, class-of-readout) on host flp1: - in state RUNNING: killed by signal 11
  = ERROR

when everybody obeys
  the world hears: on epn1 stfb CONFIGURED

when ada asks for RECOVER
  flp1 is told [5]: start and configure readout -> CONFIGURED in 120 s
  epn1 is told [5]: start and configure stfb -> CONFIGURED in 120 s
  = ERROR; RECOVER under way, waiting for readout, stfb (flp1, epn1 not heard yet); wakes in 1 s

when epn1 obeys
  = ERROR; RECOVER under way, waiting for readout (flp1 not heard yet); wakes in 1 s

when readout cannot: the card does not answer
  the world hears: readout on flp1 FAILED, ERROR (critical, policy fail): the card does not answer
  ada's RECOVER is answered: TaskError:
    | RECOVER of environment E failed: 1 task did not get there
    | role root.readout (task readout, class-of-readout) on host flp1: CONFIGURED in state IDLE: the card does not answer
  = ERROR

when ada asks for RECOVER
  flp1 is told [6]: start and configure readout -> CONFIGURED in 120 s
  epn1 is told [6]: start and configure stfb -> CONFIGURED in 120 s
  = ERROR; RECOVER under way, waiting for readout, stfb (flp1, epn1 not heard yet); wakes in 1 s

when everybody obeys
  the world hears: on flp1 readout CONFIGURED
  = ERROR; RECOVER under way, waiting for stfb (epn1 not heard yet); wakes in 1 s
  the world hears: CONFIGURED
  ada's RECOVER is answered: done
  = CONFIGURED
