"""Attacks of a curious or cheating coordinator on real stations: what each wins with protection, and what without.

Nothing in a product depends on this package. It is kept so that a protection that stops protecting is noticed.
"""
