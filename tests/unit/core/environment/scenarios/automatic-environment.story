# An automatic environment goes through one run of two plain programs, and is gone

given task reader on flp1
given task simulation on epn1: basic
given task analysis on epn2: basic

when teo asks for DEPLOY, CONFIGURE, START_ACTIVITY, as run 17, going on by itself
  flp1 is told [1]: start reader -> STANDBY in 90 s
  epn1 is told [1]: start simulation -> STANDBY in 90 s
  epn2 is told [1]: start analysis -> STANDBY in 90 s
  = STANDBY; DEPLOY under way, waiting for analysis, reader, simulation (flp1, epn1, epn2 not heard yet); wakes in 1 s

when everybody obeys
  the world hears: on flp1 reader STANDBY
  = STANDBY; DEPLOY under way, waiting for analysis, simulation (epn1, epn2 not heard yet); wakes in 1 s
  the world hears: on epn1 simulation STANDBY
  = STANDBY; DEPLOY under way, waiting for analysis (epn2 not heard yet); wakes in 1 s
  the world hears: on epn2 analysis STANDBY
  the world hears: DEPLOYED
  flp1 is told [2]: configure reader -> CONFIGURED in 120 s
  epn1 is told [2]: simulation -> CONFIGURED in 120 s
  epn2 is told [2]: analysis -> CONFIGURED in 120 s
  = DEPLOYED; CONFIGURE under way, waiting for analysis, reader, simulation (flp1, epn1, epn2 not heard yet); wakes in 1 s
  the world hears: on flp1 reader CONFIGURED
  = DEPLOYED; CONFIGURE under way, waiting for analysis, simulation (epn1, epn2 not heard yet); wakes in 1 s
  the world hears: on epn1 simulation CONFIGURED
  = DEPLOYED; CONFIGURE under way, waiting for analysis (epn2 not heard yet); wakes in 1 s
  the world hears: on epn2 analysis CONFIGURED
  the world hears: CONFIGURED
  run 17 begins
  flp1 is told [3]: reader -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  epn1 is told [3]: simulation -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  epn2 is told [3]: analysis -> RUNNING in 90 s, with run_number=17 run_start_time_ms=1000000 cleanup=0
  = CONFIGURED, run 17; START_ACTIVITY under way, waiting for analysis, reader, simulation (flp1, epn1, epn2 not heard yet); wakes in 1 s
  the world hears: on flp1 reader RUNNING
  = CONFIGURED, run 17; START_ACTIVITY under way, waiting for analysis, simulation (epn1, epn2 not heard yet); wakes in 1 s
  the world hears: on epn1 simulation RUNNING
  = CONFIGURED, run 17; START_ACTIVITY under way, waiting for analysis (epn2 not heard yet); wakes in 1 s
  the world hears: on epn2 analysis RUNNING
  the world hears: RUNNING, run 17
  teo's DEPLOY, CONFIGURE, START_ACTIVITY is answered: done
  = RUNNING, run 17

when simulation ends
  the world hears: on epn1 simulation DONE

when analysis ends
  the world hears: on epn2 analysis DONE
  flp1 is told [4]: reader -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  epn1 is told [4]: simulation -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  epn2 is told [4]: analysis -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for analysis, reader, simulation (flp1, epn1, epn2 not heard yet); wakes in 1 s

when everybody obeys
  the world hears: on flp1 reader CONFIGURED
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for analysis, simulation (epn1, epn2 not heard yet); wakes in 1 s
  the world hears: on epn1 simulation CONFIGURED
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for analysis (epn2 not heard yet); wakes in 1 s
  the world hears: on epn2 analysis CONFIGURED
  run 17 is over
  the world hears: CONFIGURED:
    | end of data
  flp1 is told [5]: reader -> STANDBY in 90 s
  epn1 is told [5]: simulation -> STANDBY in 90 s
  epn2 is told [5]: analysis -> STANDBY in 90 s
  = CONFIGURED; RESET under way, waiting for analysis, reader, simulation (flp1, epn1, epn2 not heard yet); wakes in 1 s
  the world hears: on flp1 reader STANDBY
  = CONFIGURED; RESET under way, waiting for analysis, simulation (epn1, epn2 not heard yet); wakes in 1 s
  the world hears: on epn1 simulation STANDBY
  = CONFIGURED; RESET under way, waiting for analysis (epn2 not heard yet); wakes in 1 s
  the world hears: on epn2 analysis STANDBY
  the world hears: DEPLOYED:
    | automatic
  flp1 is told [6]: reader -> DONE in 30 s
  epn1 is told [6]: simulation -> DONE in 30 s
  epn2 is told [6]: analysis -> DONE in 30 s
  = DEPLOYED; EXIT under way, waiting for analysis, reader, simulation (flp1, epn1, epn2 not heard yet); wakes in 1 s
  the world hears: on flp1 reader DONE
  = DEPLOYED; EXIT under way, waiting for analysis, simulation (epn1, epn2 not heard yet); wakes in 1 s
  the world hears: on epn1 simulation DONE
  = DEPLOYED; EXIT under way, waiting for analysis (epn2 not heard yet); wakes in 1 s
  the world hears: on epn2 analysis DONE
  the world hears: DONE:
    | automatic
  hosts, ports and memory are given back
  = DONE
