"""Simulations: many bureaus and their coordinator on one machine, on generated or real claims."""
