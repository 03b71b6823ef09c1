"""The evidence for an officer, in one file: the ledger and all that is needed to check it, and nothing secret."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from client.deployment.configuration import Configuration
from client.deployment.doctor.keeping import passphrase_of
from client.deployment.place import Place
from client.identity.membership import ROSTER_FILE
from client.ledger import page
from client.ledger.chain import Chain, read_chain
from client.ledger.durable import PRIVATE, read_unlocked
from client.ledger.errors import BrokenLedgerError, KeyFileError
from client.ledger.keys import load_key
from client.ledger.ledger import CHAIN_FILE, KEY_FILE
from client.ledger.statement import state
from client.policy import load_policy
from client.releasing import rho_within
from common.accounting.charges import rdp_epsilon
from common.errors import InputError

SUMS = "SHA256SUMS"
ABOUT = """\
Evidence of a fedclaims station. Check it on another machine:
  sha256sum -c SHA256SUMS
  verification.json says what was found here; entries.jsonl is the ledger in words, ledger.chain the same as signed.
  Compare public-key.txt with what the bureau registered, and the head with the newest one that others have seen.
Vectors that were released, keys and claims are not in it.
"""


def export_audit(place: Place, configuration: Configuration, out: Path, now: int) -> dict[str, object]:
    """Write the evidence to a new file, for its owner alone.

    Guarantees:
        * The chain in it is the one that was verified. A broken ledger is exported, too, and said to be broken.
        * No key, passphrase, password, claim or released vector is in it.

    Returns:
        The result of the verification.

    Raises:
        InputError: If the file exists, or something cannot be read.
    """
    files, verdict = _evidence(place, configuration, now)
    files[SUMS] = "".join(f"{hashlib.sha256(held).hexdigest()}  {name}\n" for name, held in files.items()).encode()
    _write(out, files, now)
    return verdict


def _evidence(place: Place, configuration: Configuration, now: int) -> tuple[dict[str, bytes], dict[str, object]]:
    held = read_unlocked(place.ledger / CHAIN_FILE)
    chain, verdict = _verified(held, place, configuration)
    verdict |= {"time": now, "bureau": configuration.name, "version": version("fedclaims")}
    files = {
        "README.txt": ABOUT.encode(),
        "ledger.chain": held,
        "verification.json": json.dumps(verdict, indent=2).encode(),
        "policy.toml": _read(place.policy),
        "station.toml": configuration.to_toml().encode(),
    }
    if (place.consortium / ROSTER_FILE).exists():
        files["roster.json"] = _read(place.consortium / ROSTER_FILE)
    if chain is not None:
        files["public-key.txt"] = f"{chain.public_key}\n".encode()
        files["entries.jsonl"] = b"".join(_spoken(chain))
        files["statement.json"] = _statement(chain, place, now)
    return files, verdict


def _verified(held: bytes, place: Place, configuration: Configuration) -> tuple[Chain | None, dict[str, object]]:
    try:
        public, doubt = load_key(place.ledger / KEY_FILE, passphrase_of(place, configuration)).public, ""
    except KeyFileError:
        public, doubt = None, "the key file could not be opened, so the chain's own key was taken at its word"
    try:
        chain = read_chain(held, public)
        if (seen := configuration.ledger.head()) is not None:
            chain.check_against(seen)
    except BrokenLedgerError as error:
        return None, {"whole": False, "entry": error.entry, "byte": error.offset, "reason": error.reason}
    return chain, {
        "whole": True,
        "entries": len(chain.digests),
        "releases": len(chain.book.charges),
        "head": str(chain.head),
        "continues": configuration.ledger.seen_head,
        "unfinished_bytes": chain.torn_bytes,
        "doubt": doubt,
    }


def _spoken(chain: Chain) -> list[bytes]:
    """Each entry in its canonical spelling, with its digest and a time that people read."""
    return [
        json.dumps(
            {
                "digest": digest,
                "utc": datetime.fromtimestamp(entry.time, UTC).isoformat(),
                **entry.model_dump(mode="json"),
            }
        ).encode()
        + b"\n"
        for entry, digest in zip(chain.book.entries, chain.digests, strict=True)
    ]


def _statement(chain: Chain, place: Place, now: int) -> bytes:
    policy = load_policy(place.policy)
    limits, delta = policy.limits(rho_within), policy.delta
    found = state(chain, now=now, delta=delta, epsilon_of=lambda rho: rdp_epsilon((rho,), delta), limits=limits)
    return page.as_json(found).encode()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        msg = f"{path} cannot be read"
        raise InputError(msg) from None


def _write(out: Path, files: Mapping[str, bytes], now: int) -> None:
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
    except OSError:
        msg = f"{out} exists already or cannot be made: name a new file"
        raise InputError(msg) from None
    with os.fdopen(descriptor, "wb") as raw, tarfile.open(fileobj=raw, mode="w") as tar:
        for name, held in files.items():
            member = tarfile.TarInfo(f"fedclaims-audit/{name}")
            member.size, member.mtime, member.mode = len(held), now, PRIVATE
            tar.addfile(member, io.BytesIO(held))
