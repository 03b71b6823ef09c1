"""The report: one self-contained page on a simulated run, in English and Chinese."""

from simulations.report.render import render_report

__all__ = ["render_report"]
