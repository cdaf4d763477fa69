"""Examine the local machine: collect facts (collect), then judge them (checks).

    collect.gather  -->  MachineFacts  --checks.examine-->  [Verdict]

Only ``collect`` accesses the machine.
"""
