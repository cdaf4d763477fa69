# A task that nobody needs cannot be configured: the transition goes well all the same

given task readout on flp1
given task monitor on epn1: not critical
given it is DEPLOYED

when teo asks for CONFIGURE
  flp1 is told [2]: configure readout -> CONFIGURED in 120 s
  epn1 is told [2]: configure monitor -> CONFIGURED in 120 s
  = DEPLOYED; CONFIGURE under way, waiting for monitor, readout (flp1, epn1 not heard yet); wakes in 1 s

when monitor cannot: no histogram to show
  the world hears: on epn1 monitor ERROR
  the world hears: monitor on epn1 FAILED, ERROR (not critical, policy fail): no histogram to show
  = DEPLOYED; CONFIGURE under way, waiting for readout (flp1 not heard yet); lost: monitor (no histogram to show); wakes in 1 s

when flp1 obeys
  the world hears: on flp1 readout CONFIGURED
  the world hears: CONFIGURED
  teo's CONFIGURE is answered: done
  = CONFIGURED; lost: monitor (no histogram to show)
