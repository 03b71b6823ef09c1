"""Ratios against peers and limits, taken side by side in one run; see ``README.md``."""
