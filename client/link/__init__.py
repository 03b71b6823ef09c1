"""A bureau's link to the coordinator: a SuperNode and a courier. It holds no claim."""
