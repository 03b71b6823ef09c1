"""Keeping what was said in a session: one file a session, whole or not there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from common.errors import FedclaimsError
from common.replay.transcript import TranscriptWriter
from server.consortium.files import PRIVATE
from server.deployment.office import Office
from server.registry.run import KeptTranscript, Run


@contextmanager
def recorded(office: Office, run: Run, session: bytes) -> Iterator[Callable[[bytes], None]]:
    """Takes the messages of a session; in the end, also of a failed one, they are in one whole file."""
    final = office.place.transcripts / f"{session.hex()}.bin"
    part = final.with_suffix(".part")
    digest, n_messages = hashlib.sha256(), 0
    with open(part, "xb", opener=lambda name, flags: os.open(name, flags, PRIVATE)) as file:

        def write(held: bytes) -> None:
            digest.update(held)
            file.write(held)

        def record(message: bytes) -> None:
            nonlocal n_messages
            n_messages += 1
            writer.record(message)

        writer = TranscriptWriter(write)
        try:
            yield record
        finally:
            writer.close()
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
            if n_messages:
                _keep(office, run, part, final, KeptTranscript(path=final.name, sha256=digest.hexdigest(), bytes=size))
            else:
                part.unlink()


def _keep(office: Office, run: Run, part: Path, final: Path, kept: KeptTranscript) -> None:
    part.replace(final)
    with suppress(FedclaimsError):  # the file is there; a registry that fails now fails again when the run is closed
        office.registry.runs.keep_transcript(run.number, kept)
