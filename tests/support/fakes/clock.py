"""A clock that a test moves."""


class FakeClock:
    def __init__(self):
        self.at = 1000.0

    def __call__(self):
        return self.at
