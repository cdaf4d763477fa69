# A task that nobody needs dies while RUNNING: the run goes on

given task readout on flp1
given task monitor on epn1: not critical
given it is RUNNING in run 17

when monitor dies: exit code 1
  the world hears: on epn1 monitor ERROR
  the world hears: monitor on epn1 FAILED, ERROR (not critical, policy fail): exit code 1
  = RUNNING, run 17; lost: monitor (exit code 1)

when teo asks for STOP_ACTIVITY
  flp1 is told [4]: readout -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for readout (flp1 not heard yet); lost: monitor (exit code 1); wakes in 1 s

when everybody obeys
  the world hears: on flp1 readout CONFIGURED
  run 17 is over
  the world hears: CONFIGURED
  teo's STOP_ACTIVITY is answered: done
  = CONFIGURED; lost: monitor (exit code 1)
