"""The loopback transport: coordinator and stations in one process, bytes handed over in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from types import TracebackType
from typing import Self

Answer = Callable[[bytes], bytes]
"""What a station does: request in, reply out."""


class Loopback:
    """Carries requests to stations in this process.

    Guarantees:
        * Stations see the same bytes, and answer with the same bytes, as over any other transport.
        * At most ``n_threads`` stations work at once.
        * On leaving the context no station works any more, also after an interruption in mid-round: what stations
          work on may be closed then.
    """

    def __init__(self, stations: Mapping[str, Answer], n_threads: int) -> None:
        """Connect to stations by name."""
        self._stations = dict(stations)
        self._pool = ThreadPoolExecutor(max(1, n_threads), thread_name_prefix="station")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def nodes(self) -> Sequence[str]:
        """See ``server.transport.Transport``."""
        return list(self._stations)

    def exchange(self, requests: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
        """See ``server.transport.Transport``; replies come as stations finish."""
        waiting = {self._pool.submit(self._stations[node], request): node for node, request in requests.items()}
        for done in as_completed(waiting):
            yield waiting[done], done.result()
