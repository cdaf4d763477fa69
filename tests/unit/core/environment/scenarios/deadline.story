# A task never answers: the deadline comes, and the answer says who was silent

given task readout on flp1
given task stfb on flp2
given task monitor on epn1: not critical
given it is CONFIGURED

when teo asks for START_ACTIVITY, as run 17
  run 17 begins
  flp1 is told [3]: readout -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  flp2 is told [3]: stfb -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  epn1 is told [3]: monitor -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = CONFIGURED, run 17; START_ACTIVITY under way, waiting for monitor, readout, stfb (flp1, flp2, epn1 not heard yet); wakes in 1 s

when flp1 obeys
  the world hears: on flp1 readout RUNNING
  = CONFIGURED, run 17; START_ACTIVITY under way, waiting for monitor, stfb (flp2, epn1 not heard yet); wakes in 1 s

when flp2 only acknowledges
  = CONFIGURED, run 17; START_ACTIVITY under way, waiting for monitor, stfb (epn1 not heard yet); wakes in 1 s

when 120 s pass
  after 1 s
    epn1 is told again, as a Salt job, [3]: monitor -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  after 2 s
    epn1 is told again, as a Salt job, [3]: monitor -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  after 4 s
    epn1 is told again, as a Salt job, [3]: monitor -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  after 8 s
    epn1 is told again, as a Salt job, [3]: monitor -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  after 16 s
    epn1 is told again, as a Salt job, [3]: monitor -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  after 64 s
    flp1 is told [4]: readout -> CONFIGURED in 10 s, with run_end_time_ms=1095000
    run 17 is over
    the world hears: ERROR:
      | START_ACTIVITY of environment E failed: 1 task did not get there
      | role root.stfb (task stfb, class-of-stfb) on host flp2: START_ACTIVITY in state CONFIGURED: no answer within 95 s
      |   what to do: see the task's log
    teo's START_ACTIVITY is answered: TaskError:
      | START_ACTIVITY of environment E failed: 1 task did not get there
      | role root.stfb (task stfb, class-of-stfb) on host flp2: START_ACTIVITY in state CONFIGURED: no answer within 95 s
      |   what to do: see the task's log
    = ERROR
