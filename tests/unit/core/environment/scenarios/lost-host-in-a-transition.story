# A host is lost in the middle of a transition: nobody waits for it until the deadline

given task readout on flp1
given task stfb on flp2
given it is CONFIGURED

when teo asks for START_ACTIVITY, as run 17
  run 17 begins
  flp1 is told [3]: readout -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  flp2 is told [3]: stfb -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = CONFIGURED, run 17; START_ACTIVITY under way, waiting for readout, stfb (flp1, flp2 not heard yet); wakes in 1 s

when flp1 obeys
  the world hears: on flp1 readout RUNNING
  = CONFIGURED, run 17; START_ACTIVITY under way, waiting for stfb (flp2 not heard yet); wakes in 1 s

when flp2 is lost
  flp1 is told [4]: readout -> CONFIGURED in 10 s, with run_end_time_ms=1000000
  run 17 is over
  the world hears: ERROR:
    | START_ACTIVITY of environment E failed: 1 task did not get there
    | role root.stfb (task stfb, class-of-stfb) on host flp2: heartbeat in state CONFIGURED: host flp2 is lost: nothing was heard of it for 13 s
    |   what to do: check host flp2, its network and its minion; its tasks may still run
  teo's START_ACTIVITY is answered: TaskError:
    | START_ACTIVITY of environment E failed: 1 task did not get there
    | role root.stfb (task stfb, class-of-stfb) on host flp2: heartbeat in state CONFIGURED: host flp2 is lost: nothing was heard of it for 13 s
    |   what to do: check host flp2, its network and its minion; its tasks may still run
  = ERROR; unreachable: flp2
