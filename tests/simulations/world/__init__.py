"""Tests of the generated world."""
