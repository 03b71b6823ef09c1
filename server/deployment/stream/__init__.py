"""A stream at the coordinator: its ticks, what each of them asks, and what people are told of it."""
