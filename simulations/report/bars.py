"""Small bars: a figure on its scale beside a reference, a share, and the fee structure of a cluster."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from simulations.report import svg
from simulations.report.formats import percent
from simulations.report.palette import STACK, category_name, share_of
from simulations.report.texts import Catalogue

_LENGTH, _THICK = 200.0, 14.0


def gauge(value: float, reference: float | None) -> Markup:
    """A figure from 0 to 1 as a bar, with a mark where the reference is; for the eye only."""
    filled = svg.element("rect", x=0, y=4, width=_on(value, 0.0, 1.0), height=6, class_="value")
    return _scale(filled, None if reference is None else _on(reference, 0.0, 1.0))


def pointer(value: float, reference: float, low: float, high: float) -> Markup:
    """A figure on a scale that does not start at 0, as a pointer beside the reference; for the eye only."""
    place = _on(value, low, high)
    return _scale(svg.element("rect", x=place - 3, y=1, width=6, height=12, class_="value"), _on(reference, low, high))


def _scale(figure: Markup, mark: float | None) -> Markup:
    shapes = [svg.element("rect", x=0, y=4, width=_LENGTH, height=6, class_="track"), figure]
    if mark is not None:
        shapes.append(svg.element("rect", x=mark - 1, y=0, width=2, height=_THICK, class_="mark"))
    box = {"viewBox": f"0 0 {_LENGTH:.0f} {_THICK:.0f}", "preserveAspectRatio": "none"}
    return svg.element("svg", *shapes, **box, aria_hidden="true", class_="gauge")


def bar(share: float) -> Markup:
    """A share as a bar; for the eye only, the figure stands beside it."""
    filled = svg.element("rect", x=0, y=0, width=100 * min(max(share, 0.0), 1.0), height=8, class_="value")
    track = svg.element("rect", x=0, y=0, width=100, height=8, class_="track")
    box = {"viewBox": "0 0 100 8", "preserveAspectRatio": "none"}
    return svg.element("svg", track, filled, **box, aria_hidden="true", class_="bar")


def fee_bar(fee_shares: Sequence[float], name: str, texts: Catalogue) -> Markup:
    """The fee structure as a stacked bar, families of categories side by side."""
    pieces, start = [], 0.0
    for code in STACK:
        share = share_of(code, fee_shares)
        if share <= 0:
            continue
        about = texts.plain("cards.fee", name=category_name(code), share=percent(share))
        piece = svg.element("rect", x=100 * start, y=0, width=100 * share, height=10)
        pieces.append(svg.group([svg.title(about), piece], class_=f"fee-{code}"))
        start += share
    box = {"viewBox": "0 0 100 10", "preserveAspectRatio": "none"}
    heading = svg.title(texts.plain("cards.fees_of", name=name))
    return svg.element("svg", heading, *pieces, **box, role="img", class_="fees")


def _on(value: float, low: float, high: float) -> float:
    return _LENGTH * min(max((value - low) / (high - low), 0.0), 1.0)
