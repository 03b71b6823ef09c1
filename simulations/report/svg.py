"""Pictures in SVG: elements with everything escaped, bilingual labels and titles, ticks of an axis."""

from __future__ import annotations

import math
from collections.abc import Iterable

from markupsafe import Markup, escape

from simulations.report.texts import LANGUAGES, Text

Attribute = str | float | None


def element(tag: str, /, *children: Markup | str, **attributes: Attribute) -> Markup:
    """One element; ``class_`` becomes ``class``, ``text_anchor`` becomes ``text-anchor``, None is left out."""
    held = Markup("").join(
        Markup(' {}="{}"').format(name.rstrip("_").replace("_", "-"), _plain(value))
        for name, value in attributes.items()
        if value is not None
    )
    inner = Markup("").join(escape(child) for child in children)
    return Markup("<{0}{1}>{2}</{0}>").format(tag, held, inner)


def group(children: Iterable[Markup], **attributes: Attribute) -> Markup:
    """A ``g`` element."""
    return element("g", *children, **attributes)


def words(text: Text, **attributes: Attribute) -> Markup:
    """A text element in each language; one alone where they do not differ."""
    if text.en == text.zh:
        return element("text", text.en, **attributes)
    return Markup("").join(element("text", text.of(language), lang=language, **attributes) for language in LANGUAGES)


def title(text: Text, **attributes: Attribute) -> Markup:
    """What is shown on hovering and read aloud: English, and the Chinese for the page's script to swap in."""
    chinese = text.zh if text.zh != text.en else None
    return element("title", text.en, **attributes, data_zh=chinese)


def picture(
    *children: Markup,
    name: str,
    size: tuple[float, float],
    about: tuple[Text, Text],
    role: str = "img",
    class_: str = "",
) -> Markup:
    """A whole picture.

    Args:
        children: What is in it.
        name: Unique on the page.
        size: Width and height; the picture scales to the width it is given.
        about: Title and description, for those who cannot see it.
        role: ``group`` if something in it can be followed, else ``img``.
        class_: For the style sheet.
    """
    description = element("desc", about[1].en, id=f"{name}-d", data_zh=about[1].zh)
    return element(
        "svg",
        title(about[0], id=f"{name}-t"),
        description,
        *children,
        viewBox=f"0 0 {_plain(size[0])} {_plain(size[1])}",
        role=role,
        aria_labelledby=f"{name}-t {name}-d",
        class_=f"picture {class_}".strip(),
    )


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round values between ``low`` and ``high``, about so many."""
    if not high > low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [step * place for place in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _plain(value: str | float | None) -> str:
    """Numbers with at most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
