"""Whole processes that ``benchmarks.whole_run`` times; each takes the file of rows."""
