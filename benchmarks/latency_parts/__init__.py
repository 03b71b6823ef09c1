"""What takes part in the benchmark of a deployment's latency: ServerApps, couriers and SuperNodes, each way."""
