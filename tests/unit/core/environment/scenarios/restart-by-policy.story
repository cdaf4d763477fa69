# A task whose policy is restart is brought back where the others are, and the run goes on
#
# A rule of the site may act first; what no rule has answered within 0.25 s control does by itself.

given task readout on flp1
given task epn1 on e1: policy restart
given it is RUNNING in run 17

when epn1 dies: killed by signal 9
  the world hears: on e1 epn1 ERROR
  the world hears: epn1 on e1 FAILED, ERROR (critical, policy restart): killed by signal 9
  = RUNNING, run 17; bringing back epn1; wakes in 0.25 s

when 0.1 s pass
  nothing follows

when 0.2 s pass
  after 0.15 s
    e1 is told [4]: start and configure epn1 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0

when e1 obeys
  the world hears: on e1 epn1 RUNNING
  the world hears: epn1 on e1 is BACK after 0.3 s, restart 1; it was: killed by signal 9
  = RUNNING, run 17

# The second time a rule is quicker, and asks twice: buses repeat events now and then.
when epn1 dies: killed by signal 9
  the world hears: on e1 epn1 ERROR
  the world hears: epn1 on e1 FAILED, ERROR (critical, policy restart): killed by signal 9
  = RUNNING, run 17; bringing back epn1; wakes in 1 s

when a rule asks to recover epn1
  e1 is told [5]: start and configure epn1 -> RUNNING in 120 s, with run_number=17 run_start_time_ms=1000000 cleanup=0

when a rule asks to recover epn1
  nothing follows

when e1 obeys
  the world hears: on e1 epn1 RUNNING
  the world hears: epn1 on e1 is BACK after 0 s, restart 2; it was: killed by signal 9
  = RUNNING, run 17
