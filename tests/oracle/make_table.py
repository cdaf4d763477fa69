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

from tests.oracle.expression_inputs import VARIABLES, expressions

TABLE = Path(__file__).resolve().parents[1] / "data" / "oracle" / "expressions.jsonl"


def facts(command, requests):
    """Return the answer of the evaluator ``command`` to each of ``requests``."""
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    answered = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in answered.stdout.splitlines()]


def main():
    """Write the table of expressions."""
    sources = expressions()
    requests = [{"kind": "expression", "source": each, "variables": VARIABLES} for each in sources]
    answers = facts(sys.argv[1:], requests)
    with TABLE.open("w") as table:
        for source, answer in zip(sources, answers, strict=True):
            row = [source, *([] if answer.get("refused") else [answer["value"], answer["text"]])]
            table.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
