# A new property reconfigures one process, a new argument restarts one; the third is left alone

given task sampler on flp1
given task proc on epn1
given task sink on epn2
given it is CONFIGURED

when teo modifies it: set rate of sampler to 5; give proc the argument --threads=4
  flp1 is told [3]: start and configure sampler -> CONFIGURED in 120 s
  epn1 is told [3]: start and configure proc -> CONFIGURED in 120 s
  = CONFIGURED; MODIFY under way, waiting for proc, sampler (flp1, epn1 not heard yet); wakes in 1 s

when everybody obeys
  = CONFIGURED; MODIFY under way, waiting for proc (epn1 not heard yet); wakes in 1 s
  teo's MODIFY is answered: done
  = CONFIGURED

when teo modifies it: set rate of sampler to 5
  teo's MODIFY is answered: done
