"""The transcript of a simulated run beside its other files, and the roster and publication that go with it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from common.model import Model
from common.replay.transcript import TranscriptWriter
from simulations.consortium import published, signed_roster

TRANSCRIPT_FILE, ROSTER_FILE, PUBLICATION_FILE = "transcript.bin", "roster.json", "publication.json"


class TranscriptFile:
    """A file that grows as the session goes on, under another name until it has ended.

    Guarantees:
        * No message is held in memory.
        * Nothing of an earlier run is replaced before ``publish``.
    """

    def __init__(self, directory: Path) -> None:
        """Write in ``directory``, once there is something to write."""
        self._directory, self._part = directory, directory / f".{TRANSCRIPT_FILE}.part"
        self._file: BinaryIO | None = None
        self._writer: TranscriptWriter | None = None

    def record(self, message: bytes) -> None:
        """Add a message."""
        if self._writer is None:
            self._file = self._part.open("wb")
            self._writer = TranscriptWriter(self._file.write)
        self._writer.record(message)

    def publish(self, names: Iterable[str], model: Model) -> None:
        """Put transcript, roster and publication in the place of an earlier run's; without messages there are none.

        Args:
            names: Of the bureaus.
            model: What came out; a router that trusts the roster takes it by its publication.
        """
        transcript, roster = self._directory / TRANSCRIPT_FILE, self._directory / ROSTER_FILE
        publication = self._directory / PUBLICATION_FILE
        if self._writer is None or self._file is None:
            for path in (transcript, roster, publication):
                path.unlink(missing_ok=True)
            return
        self._writer.close()
        self._file.close()
        known = tuple(sorted(names))
        roster.write_bytes(signed_roster(known).to_json())
        publication.write_bytes(published(known, model, int(time.time())).to_json())
        self._part.replace(transcript)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing that was not published."""
        if self._file is not None:
            self._file.close()
            self._part.unlink(missing_ok=True)
