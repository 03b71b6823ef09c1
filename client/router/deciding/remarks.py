"""Remarks on claims: tags, and the region of insurance. They stand in the record, and move no claim to another lane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii as quoted

import numpy as np
import numpy.typing as npt

from client.router.claims import RoutedClaims
from client.router.deciding.inputs import no_codes
from client.router.deciding.phrases import plain
from client.router.rules.event import Events
from client.router.rules.history import History
from client.router.rules.tags import TAGS, Tag, tags_of
from common.columns import MISSING, CodeColumn


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarks:
    """Of ``n`` claims.

    Attributes:
        tags: int64 ``(n,)``, as bits; the first of ``TAGS`` is the lowest.
        regions: Of insurance, as the claims name them.
    """

    tags: npt.NDArray[np.int64]
    regions: CodeColumn

    def select(self, rows: npt.NDArray[np.intp]) -> Remarks:
        """On some of the claims, in the order given."""
        return Remarks(tags=self.tags[rows], regions=self.regions.select(rows))


def remarks_of(claims: RoutedClaims, events: Events, history: History) -> Remarks:
    """The remarks on a batch; the arguments are those of ``tags_of``."""
    tags, bits = tags_of(claims, events, history), np.zeros(len(claims), np.int64)
    for place, name in enumerate(TAGS):
        bits |= getattr(tags, name).astype(np.int64) << place
    regions = claims.table.attributes.get("insu_admdvs")
    return Remarks(tags=bits, regions=no_codes(len(claims)) if regions is None else regions)


def remarks_in(tags: Sequence[Tag], region: str | None) -> Remarks:
    """The remarks on one claim."""
    bits = sum(1 << place for place, name in enumerate(TAGS) if name in tags)
    indices = np.array([MISSING if region is None else 0], np.int32)
    return Remarks(tags=np.array([bits]), regions=CodeColumn(indices=indices, values=(region,) if region else ()))


def names_of(bits: int) -> tuple[Tag, ...]:
    """Tags of a claim by name, in the order of ``TAGS``."""
    return tuple(name for place, name in enumerate(TAGS) if bits >> place & 1)


def tags_said(tags: Sequence[Tag]) -> str:
    """As the record says them; nothing where there are none."""
    return f',"tags":{plain(list(tags))}' if tags else ""


def region_said(region: str | None) -> str:
    """As the record says it; nothing where it is not known."""
    return f',"region":{quoted(region)}' if region else ""


EVERY_TAGS_SAID: tuple[str, ...] = tuple(tags_said(names_of(bits)) for bits in range(1 << len(TAGS)))
"""By the tags' bits."""
