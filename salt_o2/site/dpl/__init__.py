"""DPL commands: programs that write workflows, run as an account of their own."""
