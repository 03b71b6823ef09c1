"""Clusters that follow a stream of claims: one protected round a window, and what is believed between windows."""
