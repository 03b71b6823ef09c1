"""Exact discrete Gaussian noise from a source of random bytes that is an argument."""
