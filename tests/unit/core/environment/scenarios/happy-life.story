# The happy life of an environment
#
# Two tasks that the data cannot do without, and a monitor that they can.

given task readout on flp1
given task stfb on flp1
given task monitor on epn1: not critical

when teo asks for DEPLOY, CONFIGURE
  flp1 is told [1]: start readout, stfb -> STANDBY in 90 s
  epn1 is told [1]: start monitor -> STANDBY in 90 s
  = STANDBY; DEPLOY under way, waiting for monitor, readout, stfb (flp1, epn1 not heard yet); wakes in 1 s

when flp1 obeys
  the world hears: on flp1 readout STANDBY, stfb STANDBY
  = STANDBY; DEPLOY under way, waiting for monitor (epn1 not heard yet); wakes in 1 s

when epn1 obeys
  the world hears: on epn1 monitor STANDBY
  the world hears: DEPLOYED
  flp1 is told [2]: configure readout, stfb -> CONFIGURED in 120 s
  epn1 is told [2]: configure monitor -> CONFIGURED in 120 s
  = DEPLOYED; CONFIGURE under way, waiting for monitor, readout, stfb (flp1, epn1 not heard yet); wakes in 1 s

# Everybody is there. The next event of the request begins by itself.
when flp1 obeys
  the world hears: on flp1 readout CONFIGURED, stfb CONFIGURED
  = DEPLOYED; CONFIGURE under way, waiting for monitor (epn1 not heard yet); wakes in 1 s

when epn1 obeys
  the world hears: on epn1 monitor CONFIGURED
  the world hears: CONFIGURED
  teo's DEPLOY, CONFIGURE is answered: done
  = CONFIGURED

when teo asks for START_ACTIVITY, as run 17
  run 17 begins
  flp1 is told [3]: readout, stfb -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  epn1 is told [3]: monitor -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = CONFIGURED, run 17; START_ACTIVITY under way, waiting for monitor, readout, stfb (flp1, epn1 not heard yet); wakes in 1 s

when epn1 obeys
  the world hears: on epn1 monitor RUNNING
  = CONFIGURED, run 17; START_ACTIVITY under way, waiting for readout, stfb (flp1 not heard yet); wakes in 1 s

when flp1 obeys
  the world hears: on flp1 readout RUNNING, stfb RUNNING
  the world hears: RUNNING, run 17
  teo's START_ACTIVITY is answered: done
  = RUNNING, run 17

when teo asks for STOP_ACTIVITY, because the beam is dumped
  flp1 is told [4]: readout, stfb -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  epn1 is told [4]: monitor -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for monitor, readout, stfb (flp1, epn1 not heard yet); wakes in 1 s

when everybody obeys
  the world hears: on flp1 readout CONFIGURED, stfb CONFIGURED
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for monitor (epn1 not heard yet); wakes in 1 s
  the world hears: on epn1 monitor CONFIGURED
  run 17 is over
  the world hears: CONFIGURED:
    | the beam is dumped
  teo's STOP_ACTIVITY is answered: done
  = CONFIGURED

when teo asks for RESET, EXIT
  flp1 is told [5]: readout, stfb -> STANDBY in 90 s
  epn1 is told [5]: monitor -> STANDBY in 90 s
  = CONFIGURED; RESET under way, waiting for monitor, readout, stfb (flp1, epn1 not heard yet); wakes in 1 s

when everybody obeys
  the world hears: on flp1 readout STANDBY, stfb STANDBY
  = CONFIGURED; RESET under way, waiting for monitor (epn1 not heard yet); wakes in 1 s
  the world hears: on epn1 monitor STANDBY
  the world hears: DEPLOYED
  flp1 is told [6]: readout, stfb -> DONE in 30 s
  epn1 is told [6]: monitor -> DONE in 30 s
  = DEPLOYED; EXIT under way, waiting for monitor, readout, stfb (flp1, epn1 not heard yet); wakes in 1 s
  the world hears: on flp1 readout DONE, stfb DONE
  = DEPLOYED; EXIT under way, waiting for monitor (epn1 not heard yet); wakes in 1 s
  the world hears: on epn1 monitor DONE
  the world hears: DONE
  hosts, ports and memory are given back
  teo's RESET, EXIT is answered: done
  = DONE
