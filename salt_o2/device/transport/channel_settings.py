"""Names and kinds of channel settings, and FairMQ's properties of socket types."""

TYPES = ("sub", "pub", "pull", "push", "req", "rep", "xsub", "xpub", "dealer", "router", "pair")
INPUTS = frozenset({"sub", "pull", "rep", "xsub", "dealer", "router", "pair"})
OUTPUTS = frozenset({"pub", "push", "req", "xpub", "dealer", "router", "pair"})
SCHEMES = ("tcp://", "ipc://", "inproc://")

TEXTS = ("type", "method", "address", "transport")
NUMBERS = {
    "sndBufSize": "snd_buf_size",
    "rcvBufSize": "rcv_buf_size",
    "sndKernelSize": "snd_kernel_size",
    "rcvKernelSize": "rcv_kernel_size",
    "sndTimeoutMs": "snd_timeout_ms",
    "rcvTimeoutMs": "rcv_timeout_ms",
    "linger": "linger",
    "rateLogging": "rate_logging",
    "portRangeMin": "port_range_min",
    "portRangeMax": "port_range_max",
}
"""The key on the wire, and the field of :class:`salt_o2.device.transport.endpoint.Endpoint`."""
