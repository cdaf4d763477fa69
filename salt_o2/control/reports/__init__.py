"""What agents report: which agent control accepts, orphaned tasks, renamed and lost hosts."""
