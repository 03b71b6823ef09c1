"""The transcript of a simulated run beside its other files, and the roster that it is checked against."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from common.replay.transcript import TranscriptWriter
from simulations.consortium import signed_roster

TRANSCRIPT_FILE, ROSTER_FILE = "transcript.bin", "roster.json"


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

    def publish(self, names: Iterable[str]) -> None:
        """Put transcript and roster in the place of an earlier run's; without messages there are none.

        Args:
            names: Of the bureaus.
        """
        transcript, roster = self._directory / TRANSCRIPT_FILE, self._directory / ROSTER_FILE
        if self._writer is None or self._file is None:
            transcript.unlink(missing_ok=True)
            roster.unlink(missing_ok=True)
            return
        self._writer.close()
        self._file.close()
        roster.write_bytes(signed_roster(tuple(sorted(names))).to_json())
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
