"""The page on a stream: one self-contained page on a simulated stream, in English and Chinese."""

from simulations.stream.report.render import render_stream

__all__ = ["render_stream"]
