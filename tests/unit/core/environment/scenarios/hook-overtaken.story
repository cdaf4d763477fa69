# The end overtakes a transition whose hook is still on: nothing goes on of it
#
# The host has not even said that it has the hook; its order may be lost, or late.

given task readout on flp1
given task check on flp2: hook at before_CONFIGURE
given it is DEPLOYED

when teo asks for CONFIGURE
  flp2 is told [2]: start check -> RUNNING in 30 s
  = DEPLOYED; CONFIGURE under way, waiting for check (flp2 not heard yet); wakes in 1 s

when ada asks for EXIT
  teo's CONFIGURE is answered: TaskError:
    | CONFIGURE was overtaken by EXIT, asked by ada
  flp1 is told [3]: readout -> DONE in 30 s
  = DEPLOYED; EXIT under way, waiting for readout (flp1 not heard yet); wakes in 1 s

when flp1 obeys
  the world hears: on flp1 readout DONE
  flp2 is told [4]: check -> DONE in 30 s
  = DEPLOYED; EXIT under way, waiting for check (flp2 not heard yet); wakes in 1 s

when flp2 obeys
  the world hears: on flp2 check DONE
  the world hears: DONE
  hosts, ports and memory are given back
  ada's EXIT is answered: done
  = DONE
