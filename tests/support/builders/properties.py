"""Properties of tasks, as control's orders carry them."""


def data_channel(port, method="bind", kind="pull"):
    """Return the properties of the only channel of a sink or a source."""
    return {
        "chans.data.numSockets": "1",
        "chans.data.0.address": f"tcp://{'*' if method == 'bind' else '127.0.0.1'}:{port}",
        "chans.data.0.method": method,
        "chans.data.0.type": kind,
        "chans.data.0.transport": "zeromq",
        "chans.data.0.rateLogging": "0",
        "chans.data.0.autoBind": "0",
    }
