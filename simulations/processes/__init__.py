"""The rehearsal of a deployment: the programs of a real one, on one machine, with TLS and node authentication."""
