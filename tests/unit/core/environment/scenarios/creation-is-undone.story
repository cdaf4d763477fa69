# An environment that cannot be created is ended, so that nothing of it stays behind

given task readout on flp1
given task sink on epn1

when teo asks for DEPLOY, CONFIGURE, to be undone if it fails
  flp1 is told [1]: start readout -> STANDBY in 90 s
  epn1 is told [1]: start sink -> STANDBY in 90 s
  = STANDBY; DEPLOY under way, waiting for readout, sink (flp1, epn1 not heard yet); wakes in 1 s

when flp1 obeys
  the world hears: on flp1 readout STANDBY
  = STANDBY; DEPLOY under way, waiting for sink (epn1 not heard yet); wakes in 1 s

when sink cannot: no such program
  the world hears: on epn1 sink ERROR
  the world hears: sink on epn1 FAILED, ERROR (critical, policy fail): no such program
  the world hears: ERROR:
    | DEPLOY of environment E failed: 1 task did not get there
    | role root.sink (task sink, class-of-sink) on host epn1: STANDBY in state IDLE: no such program
  flp1 is told [3]: readout -> DONE in 30 s
  epn1 is told [3]: sink -> DONE in 30 s
  = ERROR; EXIT under way, waiting for readout, sink (flp1, epn1 not heard yet); wakes in 1 s

when everybody obeys
  the world hears: on epn1 sink DONE
  = ERROR; EXIT under way, waiting for readout (flp1 not heard yet); wakes in 1 s
  the world hears: on flp1 readout DONE
  the world hears: DONE:
    | DEPLOY of environment E failed: 1 task did not get there
    | role root.sink (task sink, class-of-sink) on host epn1: STANDBY in state IDLE: no such program
  hosts, ports and memory are given back
  teo's DEPLOY, CONFIGURE is answered: TaskError:
    | DEPLOY of environment E failed: 1 task did not get there
    | role root.sink (task sink, class-of-sink) on host epn1: STANDBY in state IDLE: no such program
  = DONE
