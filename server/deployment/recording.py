"""Keeping what was said in a session: one file a session, whole; of one whose process was killed what was written."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from common.errors import FedclaimsError
from common.replay.transcript import TranscriptWriter
from server.consortium.files import PRIVATE
from server.deployment.logs import say
from server.deployment.office import Office
from server.registry.run import KeptTranscript, Run

PART, CUT = ".part", ".cut"


@contextmanager
def recorded(office: Office, run: Run, session: bytes) -> Iterator[Callable[[bytes], None]]:
    """Takes the messages of a session; in the end, also of a failed one, they are in one whole file."""
    final = office.place.transcripts / f"{session.hex()}.bin"
    part = final.with_suffix(PART)
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


def keep_cut(office: Office) -> None:
    """Keep what killed processes have written, under a name that says that it is cut off.

    Raises:
        RegistryError: If the registry cannot be used.
    """
    for part in sorted(office.place.transcripts.glob(f"*{PART}")):
        session, final = part.name.removesuffix(PART), part.with_suffix(CUT)
        with part.open("rb") as file:
            digest = hashlib.file_digest(file, hashlib.sha256).hexdigest()
        size, run = part.stat().st_size, office.registry.runs.of_session(session)
        if run is not None:
            _keep(office, run, part, final, KeptTranscript(path=final.name, sha256=digest, bytes=size))
        else:
            part.replace(final)
        say("transcript was cut off", file=final.name, bytes=size, run=run.number if run else None)


def _keep(office: Office, run: Run, part: Path, final: Path, kept: KeptTranscript) -> None:
    part.replace(final)
    with suppress(FedclaimsError):  # the file is there; a registry that fails now fails again when the run is closed
        office.registry.runs.keep_transcript(run.number, kept)
