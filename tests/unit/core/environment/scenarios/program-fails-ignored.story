# The only program fails and its failure is ignored: nothing is left that runs, and the run does not look good

given task program on flp1: basic, policy ignore
given it is RUNNING in run 17

when program ends with exit code 7
  the world hears: on flp1 program ERROR
  the world hears: program on flp1 FAILED, ERROR (critical, policy ignore): exit code 7
  run 17 is over
  the world hears: ERROR:
    | no task of environment E is at work any more: role root.program failed: exit code 7
  = ERROR; lost: program (exit code 7)
