"""What takes part in the benchmark of a SuperLink: the run's ServerApp, and bureaus that only carry bytes."""
