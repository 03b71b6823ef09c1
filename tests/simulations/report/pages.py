"""Reads a page as a browser would, as far as tests need it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"meta", "input", "br", "hr", "link", "img"})
RAW = frozenset({"style", "script"})


@dataclass
class Element:
    """An element with its attributes and the text within it, of a language."""

    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    def text(self, language: str = "en") -> str:
        """What can be read in it when the page shows a language."""
        if self.tag in RAW or (self.attributes.get("lang") not in {None, language} and self.tag != "html"):
            return ""
        if "data-zh" in self.attributes and language == "zh":
            return self.attributes["data-zh"]
        return "".join(child if isinstance(child, str) else child.text(language) for child in self.children)

    def all(self, tag: str = "", **attributes: str) -> list[Element]:
        """Elements within it, in order, with a tag and attributes; ``class_`` looks for one class."""
        found = []
        for child in self.children:
            if isinstance(child, Element):
                found += [child] if child.fits(tag, attributes) else []
                found += child.all(tag, **attributes)
        return found

    def fits(self, tag: str, attributes: dict[str, str]) -> bool:
        """Whether it has this tag and these attributes."""
        if tag and tag != self.tag:
            return False
        wanted = dict(attributes)
        kind = wanted.pop("class_", None)
        if kind is not None and kind not in self.attributes.get("class", "").split():
            return False
        return all(self.attributes.get(name) == value for name, value in wanted.items())

    def one(self, tag: str = "", **attributes: str) -> Element:
        """The first of ``all``."""
        return self.all(tag, **attributes)[0]


class _Reader(HTMLParser):
    """Builds the tree and refuses what is not well formed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(set(names)) != len(names):
            msg = f"{tag} has an attribute twice: {names}"
            raise ValueError(msg)
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID or self.open[-1].tag != tag:
            msg = f"</{tag}> closes <{self.open[-1].tag}>"
            raise ValueError(msg)
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def read_page(page: str) -> Element:
    """The tree of a page.

    Raises:
        ValueError: If it is not well formed.
    """
    reader = _Reader()
    reader.feed(page)
    reader.close()
    if len(reader.open) != 1:
        msg = f"<{reader.open[-1].tag}> is never closed"
        raise ValueError(msg)
    return reader.root
