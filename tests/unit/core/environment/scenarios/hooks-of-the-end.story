# Hooks of the end run when all tasks have ended, and cannot stop it

given task readout on flp1
given task sweep on flp1: hook at DESTROY
given call farewell is bkp.close() at after_DESTROY
given it is DEPLOYED

when teo asks for EXIT
  flp1 is told [2]: readout -> DONE in 30 s
  = DEPLOYED; EXIT under way, waiting for readout (flp1 not heard yet); wakes in 1 s

when flp1 obeys
  the world hears: on flp1 readout DONE
  flp1 is told [3]: start sweep -> RUNNING in 30 s
  = DEPLOYED; EXIT under way, waiting for sweep (flp1 not heard yet); wakes in 1 s

when sweep runs
  the world hears: on flp1 sweep RUNNING
  = DEPLOYED; EXIT under way, waiting for sweep; wakes in 30 s

when sweep ends with exit code 1
  the world hears: on flp1 sweep ERROR
  the world hears: sweep on flp1 FAILED, ERROR (critical, policy fail): exit code 1
  flp1 is told [4]: sweep -> DONE in 30 s
  = DEPLOYED; EXIT under way, waiting for sweep (flp1 not heard yet); wakes in 1 s

when flp1 obeys
  the world hears: on flp1 sweep DONE
  the world hears: DONE
  call farewell#1 begins: bkp.close()
  = DONE; EXIT under way, waiting for farewell#1; wakes in 30 s

when call farewell fails: nobody is there
  hosts, ports and memory are given back
  teo's EXIT is answered: TaskError:
    | EXIT of environment E failed: 1 task did not get there
    | role root.sweep (task sweep, class-of-sweep) on host flp1: run in state RUNNING: exit code 1
    | call bkp.close() of role root.farewell failed: nobody is there
  = DONE
