"""The coordinator as a service: its directory, its schedule, its SuperLink, and what an operator does with it."""
