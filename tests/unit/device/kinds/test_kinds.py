"""What the shipped kinds do with messages, on channels without sockets."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.device.console import Output
from salt_o2.device.kinds import numbered_messages
from salt_o2.device.kinds.dispatcher import Dispatcher
from salt_o2.device.kinds.processor import Processor
from salt_o2.device.kinds.sampler import Sampler
from salt_o2.device.kinds.sink import Sink
from salt_o2.device.properties import Properties
from salt_o2.device.rate_logger import line
from salt_o2.device.transport.endpoint import endpoints


class FakeChannels:
    """Channels in memory: what is to be received, and what was sent."""

    def __init__(self, properties):
        self.endpoints, self.sent, self.waiting = {}, [], {}
        for end in endpoints(properties, "zeromq"):
            self.endpoints.setdefault(end.name, []).append(end)

    def send(self, name, parts, index, timeout_ms):
        self.sent.append((name, index, list(parts)))
        return True

    def receive(self, name, index, timeout_ms):
        return self.waiting[name].pop(0)

    def ready(self, names, timeout_ms):
        return [(name, 0) for name in names if self.waiting.get(name)]


class FakeInbox:
    """Asks for nothing until all waiting messages are taken."""

    def __init__(self):
        self.channels = None

    def empty(self):
        return self.channels is None or any(self.channels.waiting.values())


def made(kind, channels, **values):
    """A device of ``kind`` with these channels (name -> types of its sockets), about to run."""
    properties = Properties({name: default for name, (default, _) in kind.options.items()})
    properties.update({key.replace("_", "-"): value for key, value in values.items()})
    for name, types in channels.items():
        for index, type_ in enumerate(types):
            settings = {"type": type_, "method": "bind", "address": "ipc://@x"}
            properties.update({f"chans.{name}.{index}.{key}": value for key, value in settings.items()})
    inbox = FakeInbox()
    device = kind(properties, inbox, Output("nolog"))
    device.channels = inbox.channels = FakeChannels(properties)
    device.init()
    device.init_task()
    device.pre_run()
    return device


class TestSampler:
    """Sends numbered messages."""

    def test_a_sampler_numbers_its_messages(self):
        sampler = made(Sampler, {"data1": ["push"]}, id="s", text="Hi")
        sampler.conditional_run()
        sampler.conditional_run()
        assert [re.sub(rb"\.\d+$", b"", parts[0]) for _, _, parts in sampler.channels.sent] == [
            b"Hi #0 of s",
            b"Hi #1 of s",
        ]

    def test_every_socket_of_every_output_gets_a_copy_as_in_copypush(self):
        sampler = made(Sampler, {"data": ["push", "push"], "more": ["pub"]})
        sampler.conditional_run()
        assert [sent[:2] for sent in sampler.channels.sent] == [("data", 0), ("data", 1), ("more", 0)]
        assert len({sent[2][0] for sent in sampler.channels.sent}) == 1

    def test_a_sampler_leaves_running_after_the_wanted_number_of_messages(self):
        sampler = made(Sampler, {"data": ["push"]}, max_iterations=3)
        assert [sampler.conditional_run() for _ in range(3)] == [True, True, False]

    def test_message_numbers_continue_in_the_next_run(self):
        sampler = made(Sampler, {"data": ["push"]}, max_iterations=1)
        sampler.conditional_run()
        sampler.pre_run()
        assert sampler.conditional_run() is False
        assert b"#1 of" in sampler.channels.sent[-1][2][0]

    def test_a_sampler_has_the_options_of_fairmqs_sampler(self):
        assert {"text", "max-iterations"} <= set(Sampler.options)
        assert Sampler.options["text"][0] == "Hello"


class TestProcessor:
    """Modifies the data that it forwards."""

    def processed(self, parts, **values):
        processor = made(Processor, {"data1": ["pull"], "data2": ["push"]}, id="p1", **values)
        processor.channels.waiting["data1"] = [parts]
        processor.run()
        return processor.channels.sent

    def test_a_processor_appends_its_name_as_fairmqs_processor_does(self):
        assert self.processed([b"Hello"]) == [("data2", 0, [b"Hello (modified by p1)"])]

    def test_a_processor_with_a_text_appends_that_text(self):
        assert self.processed([b"Hello"], text="!") == [("data2", 0, [b"Hello!"])]

    def test_further_parts_stay_as_they_are(self):
        assert self.processed([b"a", b"b", b""])[0][2] == [b"a (modified by p1)", b"b", b""]


class TestDispatcher:
    """Copies."""

    def test_every_message_of_every_input_goes_to_every_output_unchanged(self):
        channels = {"a": ["pull"], "b": ["sub"], "x": ["push", "push"], "y": ["pub"]}
        dispatcher = made(Dispatcher, channels)
        dispatcher.channels.waiting = {"a": [[b"1", b"2"]], "b": [[b"3"]]}
        dispatcher.run()
        outputs = [("x", 0), ("x", 1), ("y", 0)]
        messages = [[b"1", b"2"], [b"3"]]
        assert dispatcher.channels.sent == [(*out, parts) for parts in messages for out in outputs]


class TestSink:
    """Counts, and says so in one line."""

    def sunk(self, capsys, messages, **values):
        sink = made(Sink, {"data2": ["pull"]}, **values)
        sink.channels.waiting["data2"] = [[message] for message in messages]
        sink.run()
        sink.post_run()
        return sink, capsys.readouterr().out.splitlines()[-1]

    def test_the_line_has_rate_total_and_missing(self, capsys):
        _, line = self.sunk(capsys, [b"Hello"] * 3)
        assert re.fullmatch(r"rate: \d+\.\d msg/s total: 3 missing: 0", line)

    def test_a_sink_leaves_running_after_the_wanted_number_of_messages(self, capsys):
        sink, line = self.sunk(capsys, [b"Hello"] * 5, max_iterations=2)
        assert "total: 2 " in line
        assert len(sink.channels.waiting["data2"]) == 3

    def test_a_number_still_missing_at_the_second_look_is_reported(self, capsys):
        sink, line = self.sunk(capsys, [numbered_messages.write("x", number, "s") for number in (0, 1, 4)])
        assert line.endswith("missing: 0"), "they may be on their way"
        sink.report()
        assert capsys.readouterr().out.strip().endswith("missing: 2")

    def test_a_sink_ignores_the_suffix_of_a_processor(self, capsys):
        _, line = self.sunk(capsys, [numbered_messages.write("x", 0, "s.1") + b" (modified by p1)", b"\xff"])
        assert "total: 2 missing: 0" in line


def test_the_rates_of_a_socket_are_logged_per_second_as_fairmq_does():
    properties = {"chans.d.0.type": "push", "chans.d.0.method": "bind", "chans.d.0.address": "ipc://@x"}
    (end,) = endpoints(properties | {"chans.d.0.rateLogging": 2}, "zeromq")
    told = line(end, [10, 1000, 0, 0], [10, 1000, 400, 4_000_000])
    assert told == "d[0]: in: 0 (0 MB) out: 200 (2 MB)"


class TestAccount:
    """Numbers in any order."""

    @given(st.permutations(list(range(40))), st.sets(st.integers(1, 38)))
    def test_exactly_the_absent_numbers_are_missing_in_any_order(self, order, lost):
        account = numbered_messages.Account()
        for number in order:
            if number not in lost:
                account.see(number)
        assert (account.missing, account.repeated) == (len(lost), 0)

    @given(st.lists(st.integers(0, 50), min_size=1))
    def test_repeated_numbers_are_counted(self, numbers):
        account = numbered_messages.Account()
        for number in numbers:
            account.see(number)
        assert account.repeated == len(numbers) - len(set(numbers))

    def test_a_huge_gap_is_counted_without_being_remembered(self):
        account = numbered_messages.Account()
        account.see(0)
        account.see(10**9)
        assert account.missing == 10**9 - 1

    @pytest.mark.parametrize("message", [b"", b"Hello", b"#1 of", b" #x of y"])
    def test_a_message_without_a_number_has_none(self, message):
        assert numbered_messages.read(message) is None

    @settings(max_examples=400)
    @given(st.integers(0, 2**63), st.from_regex(r"[a-zA-Z0-9_.-]{1,20}", fullmatch=True))
    def test_a_written_value_is_read_back(self, number, source):
        assert numbered_messages.read(
            numbered_messages.write("any #5 text", number, source) + b" (more)"
        ) == (source, number)
