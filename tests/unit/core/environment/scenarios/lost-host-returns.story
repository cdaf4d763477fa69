# A host whose tasks are bound to it is lost and comes back with them: a cut that healed

given task readout on flp1
given task qc on epn1: policy ignore
given task monitor on epn1: not critical
given it is RUNNING in run 17

when epn1 is lost
  = RUNNING, run 17; lost: qc (host epn1 is lost: nothing was heard of it for 13 s), monitor (host epn1 is lost: nothing was heard of it for 13 s); unreachable: epn1

when epn1 tells all it has
  the world hears: on epn1 qc RUNNING, monitor RUNNING
  = RUNNING, run 17
