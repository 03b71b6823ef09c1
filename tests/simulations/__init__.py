"""Tests of the room ``simulations/``."""
