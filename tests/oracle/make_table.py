"""Ask an evaluator for the values of all inputs, and write the table of facts.

    python -m tests.oracle.make_table EVALUATOR [ARGUMENT ...]

EVALUATOR is a program that the caller has. It evaluates by the libraries that AliECS uses:
expressions by expr-lang/expr v1.17.7 with AliECS's functions, payloads by pongo2 v6.0.0. It reads one JSON
object a line, ``{"kind": "expression", "source": ..., "variables": {...}}``, and writes one a line:
``{"refused": reason}``, or ``{"value": ..., "text": ...}``. The value is written with its kinds
(canonical.py), the text as AliECS inserts it. This script builds no evaluator. The table holds inputs and
results alone, no text of those projects.
"""

import json
import subprocess
import sys
from pathlib import Path

from tests.oracle import expression_inputs, payload_inputs

TABLES = Path(__file__).resolve().parents[1] / "data" / "oracle"


def facts(command, requests):
    """Return the answer of the evaluator ``command`` to each of ``requests``."""
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    answered = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in answered.stdout.splitlines()]


def write(name, requests, command):
    """Write the table ``name`` with the answer to each of ``requests``."""
    answers = facts(command, requests)
    with (TABLES / name).open("w") as table:
        for request, answer in zip(requests, answers, strict=True):
            known = [] if answer.get("refused") else [answer["value"], answer["text"]]
            table.write(json.dumps([request["source"], *known], ensure_ascii=False) + "\n")


def main():
    """Write both tables."""
    expressions = [
        {"kind": "expression", "source": each, "variables": expression_inputs.VARIABLES}
        for each in expression_inputs.expressions()
    ]
    payloads = [
        {
            "kind": "payload",
            "source": each,
            "variables": payload_inputs.VARIABLES,
            "others": payload_inputs.OTHERS,
        }
        for each in payload_inputs.payloads()
    ]
    write("expressions.jsonl", expressions, sys.argv[1:])
    write("payloads.jsonl", payloads, sys.argv[1:])


if __name__ == "__main__":
    main()
