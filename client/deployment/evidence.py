"""The file of evidence: a tar of few known names, read from a stranger's hand without unpacking anything."""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
import tarfile
from collections.abc import Mapping
from pathlib import Path

from client.ledger.durable import PRIVATE
from common.errors import FedclaimsError, InputError

FOLDER = "fedclaims-audit"
SUMS, CHAIN, ENTRIES, KEY = "SHA256SUMS", "ledger.chain", "entries.jsonl", "public-key.txt"
ABOUT, VERDICT, STATEMENT = "README.txt", "verification.json", "statement.json"
POLICY, STATION, ROSTER, WINDOWS = "policy.toml", "station.toml", "roster.json", "windows.jsonl"
MIB = 1 << 20
MOST_BYTES = {
    ABOUT: MIB,
    CHAIN: 256 * MIB,
    VERDICT: MIB,
    POLICY: MIB,
    STATION: MIB,
    ROSTER: 16 * MIB,
    KEY: MIB,
    ENTRIES: 512 * MIB,
    STATEMENT: 16 * MIB,
    WINDOWS: 64 * MIB,
    SUMS: MIB,
}
"""Every name that evidence may hold, and the most bytes of each; a year of a busy station has some ten MiB."""

MOST_IN_ALL = sum(MOST_BYTES.values()) + MIB
_SUM = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9.-]{1,40})")


class EvidenceError(FedclaimsError):
    """The evidence is not what a station wrote.

    Attributes:
        file: In which of its files; empty for the whole.
        entry: Number of the first entry that is not proven; None if all are.
        byte: Where that entry begins in the chain; None if the fault is not at a place in it.
        reason: What is wrong, in plain words.
    """

    def __init__(self, file: str, reason: str, *, entry: int | None = None, byte: int | None = None) -> None:
        """Say where, and what is wrong."""
        super().__init__(f"{file or 'the file'}: {reason}")
        self.file, self.entry, self.byte, self.reason = file, entry, byte, reason


def packed(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Files with the list of their SHA-256."""
    lines = [f"{hashlib.sha256(held).hexdigest()}  {name}\n" for name, held in files.items()]
    return {**files, SUMS: "".join(lines).encode()}


def write_evidence(out: Path, files: Mapping[str, bytes], now: int) -> None:
    """Write files into a new tar, for its owner alone.

    Raises:
        InputError: If the tar exists or cannot be made.
    """
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
    except OSError:
        msg = f"{out} exists already or cannot be made: name a new file"
        raise InputError(msg) from None
    with os.fdopen(descriptor, "wb") as raw, tarfile.open(fileobj=raw, mode="w") as tar:
        for name, held in packed(files).items():
            member = tarfile.TarInfo(f"{FOLDER}/{name}")
            member.size, member.mtime, member.mode = len(held), now, PRIVATE
            tar.addfile(member, io.BytesIO(held))


def read_evidence(path: Path) -> dict[str, bytes]:
    """The files in a tar of evidence.

    Guarantees:
        * Nothing is written, and nothing is followed: a link, a directory, a name that evidence does not have, or a
          name that is there twice, ends the reading.
        * No more is read than evidence may hold.
        * Every file is one that ``SHA256SUMS`` lists, with that sum; none that it lists is missing.

    Raises:
        InputError: If the tar cannot be opened.
        EvidenceError: If it is not what a station wrote.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > MOST_IN_ALL:
                msg = f"it is no plain file of at most {MOST_IN_ALL >> 20} MiB"
                raise EvidenceError("", msg)
            files = _members(file)
    except OSError:
        msg = f"{path} cannot be read: name the tar file that `export-audit --out` wrote"
        raise InputError(msg) from None
    _check_sums(files)
    return files


def _members(file: io.BufferedReader) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            for member in tar:
                name = _name(member, files)
                files[name] = _content(tar, member, name)
            file.seek(tar.offset)
            if file.read().strip(b"\0"):
                raise EvidenceError("", "there is something behind its end")
    except (tarfile.TarError, EOFError, ValueError, OverflowError, RecursionError):
        raise EvidenceError("", "it is no tar file, or not a whole one") from None
    return files


def _name(member: tarfile.TarInfo, before: Mapping[str, bytes]) -> str:
    """The name of a member, once it may be read."""
    folder, _, name = member.name.partition("/")
    if folder != FOLDER or name not in MOST_BYTES:
        raise EvidenceError("", "it holds a name that evidence does not have")
    if member.type != tarfile.REGTYPE or member.issparse() or member.pax_headers:
        raise EvidenceError(name, "it is not a plain file")
    if name in before:
        raise EvidenceError(name, "it is there twice")
    if not 0 <= member.size <= MOST_BYTES[name]:
        msg = f"it has more than {MOST_BYTES[name] >> 20} MiB"
        raise EvidenceError(name, msg)
    return name


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo, name: str) -> bytes:
    found = tar.extractfile(member)
    held = b"" if found is None else found.read()
    if len(held) != member.size:
        raise EvidenceError(name, "it is cut off")
    return held


def _check_sums(files: Mapping[str, bytes]) -> None:
    """Whether the list names each of the other files once, with its sum."""
    if SUMS not in files:
        raise EvidenceError(SUMS, "it is missing")
    lines = files[SUMS].decode("ascii", "replace").splitlines()
    sums = {found[2]: found[1] for line in lines if (found := _SUM.fullmatch(line))}
    if len(sums) != len(lines):
        raise EvidenceError(SUMS, "it is not a list of SHA-256 and names, each once")
    for name in sorted(sums.keys() ^ (files.keys() - {SUMS})):
        raise EvidenceError(name, "it is listed, but missing" if name in sums else "it is there, but not listed")
    for name, digest in sums.items():
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise EvidenceError(name, "it was changed: its SHA-256 is not the one listed")
