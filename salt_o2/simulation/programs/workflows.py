"""The workflow that simulated users create."""

from pathlib import Path

FARM = """
name: farm
description: "a source, workers beside it, and programs without a control channel"
defaults: { copies: "3", programs: "1", fmq_plugin: OCClite }
vars:
  deploy_timeout_s: "30"
  configure_timeout_s: "40"
  start_timeout_s: "20"
  stop_timeout_s: "20"
  reset_timeout_s: "20"
  recover_timeout_s: "40"
  exit_timeout_s: "15"
roles:
  - name: source
    bind:
      - { name: data, type: push, addressing: tcp }
    task: { load: device, critical: true }
  - name: worker
    roles:
      - name: "worker{{ it }}"
        for: { begin: 0, end: "{{ Atoi(copies) - 1 }}", var: it }
        connect:
          - { name: data, type: pull, target: "{{ Up(2) }}.source:data" }
        task: { load: device, critical: false }
  - name: program
    roles:
      - name: "program{{ it }}"
        for: { begin: 1, end: "{{ programs }}", var: it }
        task: { load: program, critical: false }
"""
DEVICE = """
name: device
control: { mode: fairmq }
wants: { cpu: 1, memory: 100 }
command: { value: device }
"""
PROGRAM = """
name: program
control: { mode: basic }
wants: { cpu: 1, memory: 100 }
command: { value: program }
"""


def write_repository(folder: Path) -> Path:
    """Write the workflow into ``folder`` and return it."""
    (folder / "workflows").mkdir(parents=True, exist_ok=True)
    (folder / "tasks").mkdir(exist_ok=True)
    (folder / "workflows" / "farm.yaml").write_text(FARM)
    (folder / "tasks" / "device.yaml").write_text(DEVICE)
    (folder / "tasks" / "program.yaml").write_text(PROGRAM)
    return folder
