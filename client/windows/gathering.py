"""Gathering candidates from a source, batch by batch: digests of all claims, rows of those that are asked for."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from client.claims.ingest import Ingested
from client.rowstore import RowStore
from client.windows.account import Known
from client.windows.choosing import Candidates
from client.windows.digests import ClaimDigester, Digests
from common.features.rows import Featuriser


class Gathered:
    """Candidates so far.

    Guarantees:
        * A claim that is not asked for is forgotten with its batch; its first sight is noted all the same.
    """

    def __init__(self, store: RowStore, featuriser: Featuriser, digester: ClaimDigester, known: Known) -> None:
        """Nobody yet; the rows go into the store."""
        self._store, self._featuriser, self._digester, self._known = store, featuriser, digester, known
        self._all = [np.zeros(0, np.uint64)]
        self._keys, self._contents, self._persons = list(self._all), list(self._all), list(self._all)

    def append(self, found: Ingested) -> None:
        """A batch with its particulars."""
        keys, contents = self._digester.keys(keys_in(found)), self._digester.contents(found.table)
        places = np.flatnonzero(self._known.wanted(keys, contents))
        table = found.table.select(places)
        self._store.append(self._featuriser.rows(table), table.total, table.person_id, table)
        self._all.append(keys)
        for kept, new in ((self._keys, keys), (self._contents, contents), (self._persons, found.table.person_id)):
            kept.append(new[places])

    def candidates(self) -> Candidates:
        """All of them; the book is told of every claim that was seen."""
        seen, everyone = self._known.first_seen(np.concatenate(self._all)), np.concatenate(self._all)
        keys = np.concatenate(self._keys)
        return Candidates(
            keys=keys,
            contents=np.concatenate(self._contents),
            persons=np.concatenate(self._persons),
            arrived=_of(everyone, seen, keys),
            store=self._store,
        )


def seen_in(batches: Iterable[Ingested], key: bytes) -> Digests:
    """Digests of the keys of all claims."""
    digester = ClaimDigester(key)
    return np.concatenate([np.zeros(0, np.uint64), *(digester.keys(keys_in(found)) for found in batches)])


def keys_in(found: Ingested) -> tuple[str, ...]:
    """The keys of a batch that was ingested with particulars.

    Raises:
        ValueError: If it was not.
    """
    if found.particulars is None:
        msg = "claims enter windows by their keys: ingest them with particulars"
        raise ValueError(msg)
    return found.particulars.claim_keys


def _of(everyone: Digests, seen: npt.NDArray[np.int64], keys: Digests) -> npt.NDArray[np.int64]:
    """What was found of some of the claims."""
    order = np.argsort(everyone)
    return seen[order[np.searchsorted(everyone[order], keys)]] if len(keys) else np.zeros(0, np.int64)
