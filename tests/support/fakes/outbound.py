"""The queues of control to agents and the event bus, as a record: nothing is sent."""

from salt_o2.core.messages.commands import SurveyRequest


class RecordedOutbound:
    """Records what control would send; ``on_send`` is called first, to look at the rest of control."""

    def __init__(self, on_send=lambda: None):
        self.on_send = on_send
        self.sent, self.resent, self.announced = [], [], []

    def send(self, messages):
        if messages:
            self.on_send()
            self.sent += messages

    def request_survey(self, host):
        self.send([SurveyRequest(host=host)])

    def resend(self, command):
        self.resent.append(command)

    def announce(self, announcement):
        self.announced.append(announcement)
