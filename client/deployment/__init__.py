"""A bureau's station as a process: its directory, its configuration, and what an engineer does with it."""
