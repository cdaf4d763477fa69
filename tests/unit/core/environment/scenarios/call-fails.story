# A critical call that fails stops the transition before the tasks move; one that is not does not

given task readout on flp1
given call note is bkp.note() at before_START_ACTIVITY: not critical
given call arm is trg.arm() at leave_CONFIGURED
given it is CONFIGURED

when teo asks for START_ACTIVITY, as run 17
  run 17 begins
  call note#1 begins: bkp.note() for run 17
  = CONFIGURED, run 17; START_ACTIVITY under way, waiting for note#1; wakes in 30 s

when call note fails: bookkeeping does not answer
  call arm#2 begins: trg.arm() for run 17
  = CONFIGURED, run 17; START_ACTIVITY under way, waiting for arm#2; wakes in 30 s

when call arm fails: the trigger is not ready
  call arm#3 begins: trg.arm() for run 17
  = CONFIGURED, run 17; GO_ERROR under way, waiting for arm#3; wakes in 30 s

# The way to ERROR leaves CONFIGURED, too, so what is called there is called once more; nothing stops that way.
when call arm fails: the trigger is not ready
  run 17 is over
  the world hears: ERROR:
    | START_ACTIVITY of environment E failed: call trg.arm() of role root.arm failed: the trigger is not ready
  teo's START_ACTIVITY is answered: TaskError:
    | START_ACTIVITY of environment E failed: call trg.arm() of role root.arm failed: the trigger is not ready
    | call trg.arm() of role root.arm failed: the trigger is not ready
  = ERROR
