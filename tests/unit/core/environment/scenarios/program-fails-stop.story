# The only program fails, and its policy is stop: the run is stopped, and its end names the failure

given task program on flp1: basic, policy stop
given it is RUNNING in run 17

when program ends with exit code 7
  the world hears: on flp1 program ERROR
  the world hears: program on flp1 FAILED, ERROR (critical, policy stop): exit code 7
  run 17 is over
  the world hears: CONFIGURED:
    | role root.program: exit code 7
  = CONFIGURED; lost: program (exit code 7)

when everybody obeys
  nothing follows
