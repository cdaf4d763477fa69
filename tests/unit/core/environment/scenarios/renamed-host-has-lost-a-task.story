# A task that ended while its machine got another name is repaired there

given task readout on flp1: policy restart
given task sink on flp1
given it is RUNNING in run 17

when the machine of flp1 reports as flp9
  nothing follows

when readout dies: its agent does not know it any more
  the world hears: on flp9 readout ERROR
  the world hears: readout on flp9 FAILED, ERROR (critical, policy restart): its agent does not know it any more
  = RUNNING, run 17; bringing back readout; wakes in 0.25 s

when 0.3 s pass
  after 0.25 s
    flp9 is told [4]: start and configure readout -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0

when flp9 obeys
  the world hears: on flp9 readout RUNNING
  the world hears: readout on flp9 is BACK after 0.3 s, restart 1; it was: its agent does not know it any more
  = RUNNING, run 17
