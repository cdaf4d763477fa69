# A host is lost in START, after its task has answered and before the others have: START fails

given task readout on flp1
given task proc on epn1
given it is CONFIGURED

when teo asks for START_ACTIVITY, as run 17
  run 17 begins
  flp1 is told [3]: readout -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  epn1 is told [3]: proc -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = CONFIGURED, run 17; START_ACTIVITY under way, waiting for proc, readout (flp1, epn1 not heard yet); wakes in 1 s

when epn1 obeys
  the world hears: on epn1 proc RUNNING
  = CONFIGURED, run 17; START_ACTIVITY under way, waiting for readout (flp1 not heard yet); wakes in 1 s

when epn1 is lost
  = CONFIGURED, run 17; START_ACTIVITY under way, waiting for readout (flp1 not heard yet); unreachable: epn1; wakes in 0.5 s

when 1 s passes
  after 0.5 s
    run 17 is over
    the world hears: ERROR:
      | START_ACTIVITY of environment E failed: 1 task did not get there
      | role root.proc (task proc, class-of-proc) on host epn1: heartbeat in state RUNNING: host epn1 is lost: nothing was heard of it for 13 s
      |   what to do: check host epn1, its network and its minion; its tasks may still run
    teo's START_ACTIVITY is answered: TaskError:
      | START_ACTIVITY of environment E failed: 1 task did not get there
      | role root.proc (task proc, class-of-proc) on host epn1: heartbeat in state RUNNING: host epn1 is lost: nothing was heard of it for 13 s
      |   what to do: check host epn1, its network and its minion; its tasks may still run
    = ERROR; unreachable: epn1

when everybody obeys
  the world hears: on flp1 readout RUNNING
