# Calls and hooks run at their moments; a result is known to those after it
#
# The call to the trigger goes on while the tasks move, and is awaited only when they are there.

given task readout on flp1
given call fill is bkp.fill() at before_CONFIGURE-10: result fill
given call trigger is trg.arm() at leave_DEPLOYED: awaited at enter_CONFIGURED
given call last is bkp.note() at after_CONFIGURE+5
given task cleanup on flp1: hook at before_CONFIGURE
given it is DEPLOYED

when teo asks for CONFIGURE
  call fill#1 begins: bkp.fill()
  = DEPLOYED; CONFIGURE under way, waiting for fill#1; wakes in 30 s

when call fill returns 8128
  flp1 is told [2]: start cleanup -> RUNNING in 30 s
  = DEPLOYED; CONFIGURE under way, waiting for cleanup (flp1 not heard yet); wakes in 1 s

when cleanup runs
  the world hears: on flp1 cleanup RUNNING
  = DEPLOYED; CONFIGURE under way, waiting for cleanup; wakes in 30 s

when cleanup ends
  the world hears: on flp1 cleanup DONE
  flp1 is told [3]: cleanup -> DONE in 120 s
  = DEPLOYED; CONFIGURE under way, waiting for cleanup (flp1 not heard yet); wakes in 1 s

when everybody obeys
  call trigger#2 begins: trg.arm(), with fill=8128
  flp1 is told [4]: configure readout -> CONFIGURED in 120 s
  = DEPLOYED; CONFIGURE under way, waiting for readout (flp1 not heard yet); wakes in 1 s
  the world hears: on flp1 readout CONFIGURED
  the world hears: CONFIGURED
  = CONFIGURED; CONFIGURE under way, waiting for trigger#2; wakes in 30 s

# The tasks are there and the environment is CONFIGURED, but the call is still out.
when call trigger returns ok
  call last#3 begins: bkp.note(), with fill=8128
  = CONFIGURED; CONFIGURE under way, waiting for last#3; wakes in 30 s

when call last returns ok
  teo's CONFIGURE is answered: done
  = CONFIGURED
