# A program that no detector needs is killed beside two devices: that is no end of the data, the run goes on

given task readout on flp1
given task sink on epn1
given task monitor on flp1: basic, not critical
given it is RUNNING in run 17

when monitor dies: killed by signal 9
  the world hears: on flp1 monitor ERROR
  the world hears: monitor on flp1 FAILED, ERROR (not critical, policy fail): killed by signal 9
  = RUNNING, run 17; lost: monitor (killed by signal 9)

when readout announces END_OF_STREAM
  flp1 is told [4]: readout -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  epn1 is told [4]: sink -> CONFIGURED in 90 s, with run_end_time_ms=1000000
  = RUNNING, run 17; STOP_ACTIVITY under way, waiting for readout, sink (flp1, epn1 not heard yet); lost: monitor (killed by signal 9); wakes in 1 s
