"""Conformance checks: rules that a program must follow to be a FairMQ device for a controller.

    for finding in check(["o2-device", "sampler"]):
        print(finding.ok, finding.name, finding.detail)

The rules describe stock FairMQ devices with the OCC and OCClite plugins. Where these have a defect (an
illegal event is never answered, OCC's devices hang after ERROR), the checks accept the defect and its
absence.
"""

from salt_o2.device.conformance.runner import Finding, check

__all__ = ["Finding", "check"]
