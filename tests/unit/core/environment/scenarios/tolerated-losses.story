# One loss out of three is tolerated, a second one is one too many

given task epn1 on e1
given task epn2 on e2
given task epn3 on e3
given 1 loss tolerated
given it is RUNNING in run 17

when epn2 dies: out of memory
  the world hears: on e2 epn2 ERROR
  the world hears: epn2 on e2 FAILED, ERROR (critical, policy fail): out of memory
  = RUNNING, run 17; lost: epn2 (out of memory)

# It is asked for nothing more, and RECOVER brings both back.
when epn3 dies: out of memory
  the world hears: on e3 epn3 ERROR
  the world hears: epn3 on e3 FAILED, ERROR (critical, policy fail): out of memory
  e1 is told [4]: epn1 -> CONFIGURED in 10 s, with run_end_time_ms=1000000
  run 17 is over
  the world hears: ERROR:
    | environment E in RUNNING failed: 1 task did not get there
    | role root.epn3 (task epn3, class-of-epn3) on host e3: - in state RUNNING: out of memory
  = ERROR; lost: epn2 (out of memory)

when e1 obeys
  the world hears: on e1 epn1 CONFIGURED

when teo asks for RECOVER
  e1 is told [5]: start and configure epn1 -> CONFIGURED in 120 s
  e2 is told [5]: start and configure epn2 -> CONFIGURED in 120 s
  e3 is told [5]: start and configure epn3 -> CONFIGURED in 120 s
  = ERROR; RECOVER under way, waiting for epn1, epn2, epn3 (e1, e2, e3 not heard yet); wakes in 1 s

when everybody obeys
  = ERROR; RECOVER under way, waiting for epn2, epn3 (e2, e3 not heard yet); wakes in 1 s
  the world hears: on e2 epn2 CONFIGURED
  = ERROR; RECOVER under way, waiting for epn3 (e3 not heard yet); wakes in 1 s
  the world hears: on e3 epn3 CONFIGURED
  the world hears: CONFIGURED
  teo's RECOVER is answered: done
  = CONFIGURED
