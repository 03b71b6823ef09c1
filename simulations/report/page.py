"""What every page is made with: templates that escape everything, and a policy that allows its own style and script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from simulations.report import formats, svg
from simulations.report.texts import Catalogue, both


def environment(package: str, texts: Catalogue) -> Environment:
    """For the templates of a package; everything is escaped, and a gap without a value is an error."""
    found = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals.update(t=texts.pair, plain=texts.plain, known=texts.keys().__contains__, label=_labels(texts))
    found.filters.update(
        both=both, integer=formats.integer, decimal=formats.decimal, percent=formats.percent, size=formats.size,
        yuan=formats.yuan, seconds=formats.seconds,
    )  # fmt: skip
    return found


def policy(style: str, script: str) -> str:
    """Nothing but this very style and this very script."""
    allowed = f"style-src {_digest(style)}; script-src {_digest(script)}"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def source(package: str, name: str) -> str:
    """A file among the templates of a package."""
    return resources.files(package).joinpath("templates", name).read_text(encoding="utf-8")


def _labels(texts: Catalogue) -> Callable[[str, float, float, str], Markup]:
    """Text elements for pictures that are drawn in a template."""

    def label(key: str, x: float, y: float, class_: str) -> Markup:
        return svg.words(texts.plain(key), x=x, y=y, class_=class_)

    return label


def _digest(held: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(held.encode()).digest()).decode()}'"
