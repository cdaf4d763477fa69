"""A process of mode direct, as libOCC's are: its own states, its own signals on the EventStream.

SIGUSR1 makes it announce END_OF_STREAM, SIGUSR2 TASK_INTERNAL_ERROR. START without a run number is refused.
Signals come through ``sigwait``, so it needs no polling; SIGTERM ends it at once, as it does libOCC's.
"""

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import grpc

from salt_o2.occ.direct import MOVES
from salt_o2.occ.wire.codec import EVENT_STREAM, GET_STATE, STATE_STREAM, TRANSITION
from salt_o2.occ.wire.replies import DeviceEvent, DeviceState, Reply, Trigger
from salt_o2.occ.wire.server_codec import SERVED

LEADS = {(event.value, source): target for event, source, target in MOVES}


class DirectTask(grpc.GenericRpcHandler):
    def __init__(self):
        self.state, self.codec = "STANDBY", SERVED["OCC"]()
        self.streams = []
        unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
        self.methods = {
            self.codec.path(GET_STATE): unary(lambda *_: self.now()),
            self.codec.path(TRANSITION): unary(self.move),
            self.codec.path(EVENT_STREAM): stream(lambda *_: self.follow(DeviceEvent)),
            self.codec.path(STATE_STREAM): stream(lambda *_: self.follow(str)),
        }

    def service(self, call):
        return self.methods.get(call.method)

    def now(self):
        return self.codec.put_state(DeviceState(self.state, os.getpid()))

    def move(self, body, context):
        asked = self.codec.asked(body)
        if asked.source != self.state:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"state mismatch: {asked.source} {self.state}")
        target = LEADS.get((asked.event, self.state))
        good = target is not None and not (asked.event == "START" and "runNumber" not in asked.arguments)
        if good:
            self.state = target
            self.tell(self.state)
        trigger = Trigger.EXECUTOR if good else Trigger.DEVICE_INTENTIONAL
        return self.codec.put_reply(Reply(good, trigger, self.state, asked.event))

    def tell(self, what):
        for queue in self.streams:
            queue.put(what)

    def follow(self, kind):
        queue = SimpleQueue()
        self.streams.append(queue)
        while (what := queue.get()) != "DONE":
            if kind is DeviceEvent and isinstance(what, DeviceEvent):
                yield self.codec.put_event(what)
            elif kind is str and not isinstance(what, DeviceEvent):
                yield self.codec.put_moved(what, False)


def main():
    signals = {signal.SIGUSR1: DeviceEvent.END_OF_STREAM, signal.SIGUSR2: DeviceEvent.TASK_INTERNAL_ERROR}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    task = DirectTask()
    server = grpc.server(ThreadPoolExecutor(16), handlers=[task])
    server.add_insecure_port(f"0.0.0.0:{sys.argv[1]}")
    server.start()
    while task.state != "DONE":
        caught = signal.sigtimedwait(signals, 0.05)
        if caught is not None:
            task.tell(signals[caught.si_signo])
    server.stop(1.0).wait()


main()
