"""The loopback transport: coordinator and stations in one process, bytes handed over in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

Answer = Callable[[bytes], bytes]
"""What a station does: request in, reply out."""


class Loopback:
    """Carries requests to stations in this process.

    Guarantees:
        * Stations see the same bytes, and answer with the same bytes, as over any other transport.
        * At most ``n_threads`` stations work at once.
    """

    def __init__(self, stations: Mapping[str, Answer], n_threads: int) -> None:
        """Connect to stations by name."""
        self._stations = dict(stations)
        self._n_threads = n_threads

    def nodes(self) -> Sequence[str]:
        """See ``server.transport.Transport``."""
        return list(self._stations)

    def exchange(self, requests: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
        """See ``server.transport.Transport``; replies come as stations finish."""
        with ThreadPoolExecutor(max(1, min(self._n_threads, len(requests)))) as pool:
            waiting = {pool.submit(self._stations[node], request): node for node, request in requests.items()}
            for done in as_completed(waiting):
                yield waiting[done], done.result()
