# The end overtakes a transition under way: whoever asked for that is told by whom

given task readout on flp1
given task stfb on flp2
given it is DEPLOYED

when teo asks for CONFIGURE
  flp1 is told [2]: configure readout -> CONFIGURED in 120 s
  flp2 is told [2]: configure stfb -> CONFIGURED in 120 s
  = DEPLOYED; CONFIGURE under way, waiting for readout, stfb (flp1, flp2 not heard yet); wakes in 1 s

when flp1 obeys
  the world hears: on flp1 readout CONFIGURED
  = DEPLOYED; CONFIGURE under way, waiting for stfb (flp2 not heard yet); wakes in 1 s

when ada asks for EXIT
  teo's CONFIGURE is answered: TaskError:
    | CONFIGURE was overtaken by EXIT, asked by ada
  flp1 is told [3]: readout -> DONE in 30 s
  flp2 is told [3]: stfb -> DONE in 30 s
  = DEPLOYED; EXIT under way, waiting for readout, stfb (flp1, flp2 not heard yet); wakes in 1 s

when flp2 obeys
  the world hears: on flp2 stfb DONE
  = DEPLOYED; EXIT under way, waiting for readout (flp1 not heard yet); wakes in 1 s

when flp1 obeys
  the world hears: on flp1 readout DONE
  the world hears: DONE
  hosts, ports and memory are given back
  ada's EXIT is answered: done
  = DONE
