# A task that is needed cannot be configured
#
# Others that fail at the same time are awaited a moment, so that one answer names them all.

given task readout on flp1
given task stfb on flp1
given task monitor on epn1: not critical
given it is DEPLOYED

when teo asks for CONFIGURE
  flp1 is told [2]: configure readout, stfb -> CONFIGURED in 120 s
  epn1 is told [2]: configure monitor -> CONFIGURED in 120 s
  = DEPLOYED; CONFIGURE under way, waiting for monitor, readout, stfb (flp1, epn1 not heard yet); wakes in 1 s

when readout cannot: no such file /etc/readout.cfg
  the world hears: on flp1 readout ERROR
  the world hears: readout on flp1 FAILED, ERROR (critical, policy fail): no such file /etc/readout.cfg
  = DEPLOYED; CONFIGURE under way, waiting for monitor, stfb (epn1 not heard yet); wakes in 0.5 s

when stfb cannot: address in use
  the world hears: on flp1 stfb ERROR
  the world hears: stfb on flp1 FAILED, ERROR (critical, policy fail): address in use
  = DEPLOYED; CONFIGURE under way, waiting for monitor (epn1 not heard yet); wakes in 0.5 s

# Nobody waits for the monitor any more.
when 0.5 s pass
  after 0.5 s
    the world hears: ERROR:
      | CONFIGURE of environment E failed: 2 tasks did not get there
      | role root.readout (task readout, class-of-readout) on host flp1: CONFIGURED in state IDLE: no such file /etc/readout.cfg
      | role root.stfb (task stfb, class-of-stfb) on host flp1: CONFIGURED in state IDLE: address in use
    teo's CONFIGURE is answered: TaskError:
      | CONFIGURE of environment E failed: 2 tasks did not get there
      | role root.readout (task readout, class-of-readout) on host flp1: CONFIGURED in state IDLE: no such file /etc/readout.cfg
      | role root.stfb (task stfb, class-of-stfb) on host flp1: CONFIGURED in state IDLE: address in use
    = ERROR

when ada asks for RECOVER
  flp1 is told [4]: start and configure readout, stfb -> CONFIGURED in 120 s
  epn1 is told [4]: start and configure monitor -> CONFIGURED in 120 s
  = ERROR; RECOVER under way, waiting for monitor, readout, stfb (flp1, epn1 not heard yet); wakes in 1 s

when everybody obeys
  the world hears: on flp1 readout CONFIGURED, stfb CONFIGURED
  = ERROR; RECOVER under way, waiting for monitor (epn1 not heard yet); wakes in 1 s
  the world hears: on epn1 monitor CONFIGURED
  the world hears: CONFIGURED
  ada's RECOVER is answered: done
  = CONFIGURED
