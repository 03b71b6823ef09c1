"""The evidence for an officer, in one file: the ledger and all that is needed to check it, and nothing secret."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

from client.deployment import evidence
from client.deployment.configuration import Configuration
from client.deployment.doctor.keeping import passphrase_of
from client.deployment.evidence import write_evidence
from client.deployment.place import Place
from client.deployment.spoken import spoken, statement_of
from client.deployment.windowed import first_contradicted, windows_of
from client.identity.membership import ROSTER_FILE
from client.ledger.chain import Chain, read_chain
from client.ledger.durable import read_unlocked
from client.ledger.errors import BrokenLedgerError, KeyFileError
from client.ledger.keys import load_key
from client.ledger.ledger import CHAIN_FILE, KEY_FILE
from client.policy import load_policy
from common.errors import InputError

ABOUT = """\
Evidence of a fedclaims station. Check it on another machine:
  fedclaims-bureau export-audit --verify FILE.tar --public-key HEX --head NUMBER:DIGEST
with the ledger's key as the bureau told it before, and the newest head that others have seen. Without fedclaims:
  sha256sum -c SHA256SUMS
shows that nothing was damaged on the way, though not by whom it was made. verification.json says what was found at the
station; entries.jsonl is the ledger in words, ledger.chain the same as signed; statement.json is worked out from it.
windows.jsonl has the windows of streams, with how many claims entered each and their digest, which the ledger marked.
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
    write_evidence(out, files, now)
    return verdict


def _evidence(place: Place, configuration: Configuration, now: int) -> tuple[dict[str, bytes], dict[str, object]]:
    held = read_unlocked(place.ledger / CHAIN_FILE)
    chain, verdict = _verified(held, place, configuration)
    verdict |= {"time": now, "bureau": configuration.name, "version": version("fedclaims")}
    files = {
        evidence.ABOUT: ABOUT.encode(),
        evidence.CHAIN: held,
        evidence.VERDICT: json.dumps(verdict, indent=2).encode(),
        evidence.POLICY: _read(place.policy),
        evidence.STATION: configuration.to_toml().encode(),
    }
    if (place.consortium / ROSTER_FILE).exists():
        files[evidence.ROSTER] = _read(place.consortium / ROSTER_FILE)
    if chain is not None:
        files[evidence.KEY] = f"{chain.public_key}\n".encode()
        files[evidence.ENTRIES] = b"".join(spoken(chain))
        files[evidence.STATEMENT] = statement_of(chain, load_policy(place.policy), now)
        files |= _with_windows(place, chain, verdict)
    return files, verdict


def _with_windows(place: Place, chain: Chain, verdict: dict[str, object]) -> dict[str, bytes]:
    """The windows, if there are any; the verdict says so if the claim book contradicts the ledger."""
    held = windows_of(place)
    wrong = first_contradicted(held, chain)
    if wrong is not None:
        reason = f"the claim book does not bear out {wrong.place}: restore the ledger's directory from one copy"
        verdict |= {"whole": False, "entry": wrong.number, "byte": None, "reason": reason}
    return {evidence.WINDOWS: held} if held else {}


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


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        msg = f"{path} cannot be read"
        raise InputError(msg) from None
