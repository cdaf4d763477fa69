# A new plan is taken in DEPLOYED, CONFIGURED and RUNNING only

given task readout on flp1

when teo modifies it: add stfb on flp2
  refused, IllegalTransitionError: environment E is STANDBY and cannot MODIFY; from here it can do DEPLOY, EXIT, GO_ERROR

when teo asks for MODIFY
  refused, IllegalTransitionError: environment E is STANDBY and cannot MODIFY; from here it can do DEPLOY, EXIT, GO_ERROR

when teo asks for DEPLOY
  flp1 is told [1]: start readout -> STANDBY in 90 s
  = STANDBY; DEPLOY under way, waiting for readout (flp1 not heard yet); wakes in 1 s

when flp1 obeys
  the world hears: on flp1 readout STANDBY
  the world hears: DEPLOYED
  teo's DEPLOY is answered: done
  = DEPLOYED

when teo asks for MODIFY
  refused, InvalidRequestError: environment E is modified by a new plan, not by MODIFY alone

when teo modifies it: add stfb on flp2
  hosts, ports and memory are allocated: stfb
  flp2 is told [2]: start and configure stfb -> STANDBY in 120 s
  = DEPLOYED; MODIFY under way, waiting for stfb (flp2 not heard yet); wakes in 1 s

when flp2 obeys
  the world hears: on flp2 stfb STANDBY
  teo's MODIFY is answered: done
  = DEPLOYED

when teo asks for GO_ERROR
  the world hears: ERROR:
    | asked for by teo
  teo's GO_ERROR is answered: done
  = ERROR

when teo modifies it: remove stfb
  refused, IllegalTransitionError: environment E is ERROR and cannot MODIFY; from here it can do RECOVER, EXIT
