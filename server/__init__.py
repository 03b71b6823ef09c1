"""What the coordinator installs: the state machine that adds up summaries, and what drives it."""
