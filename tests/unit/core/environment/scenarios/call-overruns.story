# A call that overruns its time is given up by us; an answer that comes later changes nothing

given task readout on flp1
given call dcs is dcs.prepare() at before_CONFIGURE: timeout 20
given it is DEPLOYED

when teo asks for CONFIGURE
  call dcs#1 begins: dcs.prepare()
  = DEPLOYED; CONFIGURE under way, waiting for dcs#1; wakes in 20 s

when 30 s pass
  after 20 s
    call dcs#1 is given up
    the world hears: ERROR:
      | CONFIGURE of environment E failed: call dcs.prepare() of role root.dcs failed: it took longer than its timeout of 20 s
    teo's CONFIGURE is answered: TaskError:
      | CONFIGURE of environment E failed: call dcs.prepare() of role root.dcs failed: it took longer than its timeout of 20 s
    = ERROR

when call dcs returns too late
  nothing follows
