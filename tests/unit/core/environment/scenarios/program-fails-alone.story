# The only program of a run fails: the environment is in ERROR, the run does not look like a good one

given task program on flp1: basic
given it is RUNNING in run 17

when program ends with exit code 7
  the world hears: on flp1 program ERROR
  the world hears: program on flp1 FAILED, ERROR (critical, policy fail): exit code 7
  run 17 is over
  the world hears: ERROR:
    | environment E in RUNNING failed: 1 task did not get there
    | role root.program (task program, class-of-program) on host flp1: run in state RUNNING: exit code 7
  = ERROR
