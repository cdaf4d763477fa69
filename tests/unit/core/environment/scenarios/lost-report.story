# A report is lost: the host is asked again the sure way, ever more seldom, and its answer ends the wait

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

when flp2 obeys, but its report is lost
  nothing follows

when 10 s pass
  after 1 s
    flp2 is told again, as a Salt job, [3]: stfb -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  after 2 s
    flp2 is told again, as a Salt job, [3]: stfb -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  after 4 s
    flp2 is told again, as a Salt job, [3]: stfb -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0

when flp2 tells all it has
  the world hears: on flp2 stfb RUNNING
  the world hears: RUNNING, run 17
  teo's START_ACTIVITY is answered: done
  = RUNNING, run 17
