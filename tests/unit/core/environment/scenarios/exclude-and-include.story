# A noisy detector leaves the run and comes back, and nobody else notices

given task its on flp1
given task tpc on flp2
given task sink on epn1
given it is RUNNING in run 17

when teo modifies it: exclude its (noisy); drain 2 s
  flp1 is told [4]: its -> STANDBY in 120 s, with run_end_time_ms=1000000 drain_ms=2000
  = RUNNING, run 17; MODIFY under way, waiting for its (flp1 not heard yet); excluded: its (noisy); wakes in 1 s

when flp1 obeys
  the world hears: on flp1 its STANDBY
  teo's MODIFY is answered: done
  = RUNNING, run 17; excluded: its (noisy)

# It may even die meanwhile.
when its dies: killed by signal 6
  the world hears: on flp1 its ERROR
  the world hears: its on flp1 FAILED, ERROR (critical, policy fail): killed by signal 6

when teo modifies it: include its
  flp1 is told [5]: start and configure its -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = RUNNING, run 17; MODIFY under way, waiting for its (flp1 not heard yet); wakes in 1 s

when flp1 obeys
  the world hears: on flp1 its RUNNING
  teo's MODIFY is answered: done
  = RUNNING, run 17

when teo asks for STOP_ACTIVITY
  flp1 is told [6]: its -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  flp2 is told [6]: tpc -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  epn1 is told [6]: sink -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for its, sink, tpc (flp1, flp2, epn1 not heard yet); wakes in 1 s

when everybody obeys
  the world hears: on flp1 its CONFIGURED
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for sink, tpc (flp2, epn1 not heard yet); wakes in 1 s
  the world hears: on flp2 tpc CONFIGURED
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for sink (epn1 not heard yet); wakes in 1 s
  the world hears: on epn1 sink CONFIGURED
  run 17 is over
  the world hears: CONFIGURED
  teo's STOP_ACTIVITY is answered: done
  = CONFIGURED
