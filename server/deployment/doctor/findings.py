"""What a check says: that all is well, or what is wrong and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from common.errors import FedclaimsError


class Level(StrEnum):
    """How bad it is. With a fault the service does not start."""

    FINE = "fine"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The outcome of one check.

    Attributes:
        check: Its name.
        level: How bad it is.
        said: What was found.
        fix: What to do; empty if all is well.
    """

    check: str
    level: Level
    said: str
    fix: str = ""


def fine(check: str, said: str) -> Finding:
    """All is well."""
    return Finding(check=check, level=Level.FINE, said=said)


def warning(check: str, said: str, fix: str) -> Finding:
    """It works, but should be mended."""
    return Finding(check=check, level=Level.WARNING, said=said, fix=fix)


def fault(check: str, said: str, fix: str) -> Finding:
    """It does not work, or must not."""
    return Finding(check=check, level=Level.FAULT, said=said, fix=fix)


def trying(check: str, look: Callable[[], Iterator[Finding]], fix: str) -> Iterator[Finding]:
    """What a look finds; if it ends in one of our errors, that is the finding."""
    try:
        yield from look()
    except FedclaimsError as error:
        yield fault(check, str(error), fix)
    except OSError as error:
        yield fault(check, f"a file cannot be read ({type(error).__name__})", fix)
