"""DPL commands: programs that write workflows, run under a separate account."""
