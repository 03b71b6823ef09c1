"""The catalogue: every word of the report, in both languages, in ``texts.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Literal

from markupsafe import Markup, escape

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """The same words in both languages; not escaped."""

    en: str
    zh: str

    def of(self, language: Language) -> str:
        """The words in one language."""
        return self.en if language == "en" else self.zh


Value = Text | str | int | float
"""What may stand in a gap of a text."""


def same(words: str) -> Text:
    """Words that are the same in both languages: figures, codes, digests."""
    return Text(en=words, zh=words)


def both(text: Text) -> Markup:
    """Both languages as spans, of which the page shows one; a single text where they do not differ."""
    if text.en == text.zh:
        return escape(text.en)
    spans = (Markup('<span lang="{}">{}</span>').format(language, text.of(language)) for language in LANGUAGES)
    return Markup("").join(spans)


class Catalogue:
    """Texts by key.

    Guarantees:
        * An unknown key and a gap without a value are errors.
        * Values are escaped, whatever they hold; the catalogue's own texts may hold inline markup.
    """

    def __init__(self, texts: Mapping[str, Text]) -> None:
        """Hold some texts."""
        self._texts = dict(texts)

    def keys(self) -> frozenset[str]:
        """All keys."""
        return frozenset(self._texts)

    def plain(self, key: str, **values: Value) -> Text:
        """A text for an attribute, a title or a picture: not escaped yet.

        Raises:
            KeyError: If the key, or a value for a gap, is missing.
        """
        filled = {language: self._texts[key].of(language).format(**_in(language, values)) for language in LANGUAGES}
        return Text(en=filled["en"], zh=filled["zh"])

    def pair(self, key: str, **values: Value) -> Markup:
        """Both languages of a text as markup, values escaped.

        Raises:
            KeyError: If the key, or a value for a gap, is missing.
        """
        filled = (
            Markup(self._texts[key].of(language)).format(**_in(language, values))  # noqa: S704  the report's own words
            for language in LANGUAGES
        )
        spans = (Markup('<span lang="{}">{}</span>').format(*each) for each in zip(LANGUAGES, filled, strict=True))
        return Markup("").join(spans)


def load_catalogue(package: str = "simulations.report") -> Catalogue:
    """The catalogue that ships with a package, the report's own if none is named.

    Raises:
        ValueError: If a text lacks a language.
    """
    held = resources.files(package).joinpath("texts.toml").read_text(encoding="utf-8")
    return Catalogue(dict(_flat(tomllib.loads(held), "")))


def _flat(table: Mapping[str, object], prefix: str) -> Iterator[tuple[str, Text]]:
    """Tables within tables as dotted keys."""
    for name, value in table.items():
        if not isinstance(value, dict):
            msg = f"text {prefix}{name} must have an en and a zh"
            raise TypeError(msg)
        if set(value) & set(LANGUAGES):
            yield f"{prefix}{name}", Text(**value)
        else:
            yield from _flat(value, f"{prefix}{name}.")


def _in(language: Language, values: Mapping[str, Value]) -> dict[str, str | int | float]:
    return {name: value.of(language) if isinstance(value, Text) else value for name, value in values.items()}
