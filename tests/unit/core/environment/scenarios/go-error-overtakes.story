# Somebody has seen enough: GO_ERROR overtakes, what runs is stopped, and the end follows

given task readout on flp1
given task stfb on flp2
given it is RUNNING in run 17

when teo asks for STOP_ACTIVITY
  flp1 is told [4]: readout -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  flp2 is told [4]: stfb -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for readout, stfb (flp1, flp2 not heard yet); wakes in 1 s

when ada asks for GO_ERROR, EXIT, because smoke in the counting room
  teo's STOP_ACTIVITY is answered: TaskError:
    | STOP_ACTIVITY was overtaken by GO_ERROR, asked by ada
  flp1 is told [5]: readout -> CONFIGURED in 10 s, with run_end_time_ms=1000000
  flp2 is told [5]: stfb -> CONFIGURED in 10 s, with run_end_time_ms=1000000
  run 17 is over
  the world hears: ERROR:
    | smoke in the counting room
  flp1 is told [6]: readout -> DONE in 30 s
  flp2 is told [6]: stfb -> DONE in 30 s
  = ERROR; EXIT under way, waiting for readout, stfb (flp1, flp2 not heard yet); wakes in 1 s

when everybody obeys
  the world hears: on flp1 readout DONE
  = ERROR; EXIT under way, waiting for stfb (flp2 not heard yet); wakes in 1 s
  the world hears: on flp2 stfb DONE
  the world hears: DONE:
    | smoke in the counting room
  hosts, ports and memory are given back
  ada's GO_ERROR, EXIT is answered: done
  = DONE
