"""What makes a program a FairMQ device to a controller: laws that any command can be tried against.

    for finding in check(["o2-device", "sampler"]):
        print(finding.ok, finding.name, finding.detail)

The laws are what stock FairMQ devices do with the OCC and OCClite plugins; where those have a defect (an
illegal event is never answered, OCC's devices hang after ERROR), both the defect and its absence will do.
"""

from salt_o2.device.conformance.runner import Finding, check

__all__ = ["Finding", "check"]
