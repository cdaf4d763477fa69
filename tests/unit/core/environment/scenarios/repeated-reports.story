# Reports come twice, and late: nothing is announced twice, and nothing goes back

given task readout on flp1
given it is CONFIGURED

when teo asks for START_ACTIVITY, as run 17
  run 17 begins
  flp1 is told [3]: readout -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = CONFIGURED, run 17; START_ACTIVITY under way, waiting for readout (flp1 not heard yet); wakes in 1 s

when flp1 only acknowledges
  = CONFIGURED, run 17; START_ACTIVITY under way, waiting for readout; wakes in 95 s

when flp1 obeys
  the world hears: on flp1 readout RUNNING
  the world hears: RUNNING, run 17
  teo's START_ACTIVITY is answered: done
  = RUNNING, run 17

when flp1's last report comes again
  nothing follows

when flp1's report 1 comes again
  nothing follows
