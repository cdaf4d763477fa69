"""Examines the machine it runs on: facts are gathered (facts), then judged (checks).

    facts.gather  -->  MachineFacts  --checks.examine-->  [Verdict]

Only ``facts`` touches the machine.
"""
