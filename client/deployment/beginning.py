"""Making a station's directory: configuration, policy, ledger, keys and the request to join; all or nothing."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from client.deployment.place import Place
from client.identity.membership import REQUEST_FILE, Membership
from client.ledger.chain import Head
from client.ledger.durable import PRIVATE_DIRECTORY, sync_directory, write_new
from client.ledger.ledger import Clock, Ledger
from client.policy import example_policy
from common.consortium.joining import JoinRequest
from common.errors import InputError
from common.messages import is_bureau_name

PSEUDONYM_KEY_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A new station.

    Attributes:
        place: Where it lies.
        head: First head of its ledger.
        request: What the coordinator needs.
    """

    place: Place
    head: Head
    request: JoinRequest

    def next_steps(self) -> str:
        """What an engineer does now."""
        root, request = self.place.root, self.place.consortium / REQUEST_FILE
        return (
            f"A station begins in {root}. Head of its ledger: {self.head}\n"
            f"Public half of its identity: {self.request.public_key.hex()}\n"
            "Next:\n"
            f"  1. Say in {self.place.configuration} where the claims are, and read {self.place.policy}: every "
            "limit in it is yours.\n"
            f"  2. Send {request} to the coordinator, and read the public half to them by telephone.\n"
            f"  3. When the signed roster comes: fedclaims-bureau join --dir {self.place.consortium} --accept ROSTER "
            "--governance DIGEST, with the digest that the governance told you by another way.\n"
            f"  4. fedclaims-bureau doctor --dir {root}\n"
            f"  5. fedclaims-bureau start --dir {root}\n"
            f"Keep copies of {self.place.ledger / 'station.key'} and {self.place.pseudonym_key} apart from here."
        )


def begin(root: Path, name: str, organisation: str, *, clock: Clock, passphrase_file: Path | None = None) -> Begun:
    """Make a station's directory.

    Guarantees:
        * The directory is whole, or it is not there. What exists is never written over.

    Args:
        root: New, or empty.
        name: What this bureau is to be called in messages.
        organisation: Whose it is.
        clock: Says what time it is.
        passphrase_file: Holds the passphrase of the key files; they have none if None.

    Raises:
        InputError: If a name cannot be used, or the directory cannot be made.
    """
    if not is_bureau_name(name):
        msg = "a bureau's name has 1 to 64 characters, none of them a control character"
        raise InputError(msg)
    passphrase = None if passphrase_file is None else read_passphrase(passphrase_file)
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        built = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    except OSError:
        msg = f"{root} cannot be made: name another directory"
        raise InputError(msg) from None
    try:
        head, request = _keys(Place(built), name, organisation, clock, passphrase)
        _files(Place(built), name, passphrase_file)
        built.rename(root)
    except OSError:
        msg = f"{root} is not empty or cannot be written: a new station takes a new directory"
        raise InputError(msg) from None
    finally:
        shutil.rmtree(built, ignore_errors=True)
    sync_directory(root.parent)
    return Begun(place=Place(root), head=head, request=request)


def read_passphrase(path: Path | None) -> bytes | None:
    """The first line of a file, or None if there is no file to read.

    Raises:
        InputError: If it cannot be read, or is empty.
    """
    if path is None:
        return None
    try:
        found = path.read_bytes().partition(b"\n")[0].strip()
    except OSError:
        found = b""
    if not found:
        msg = f"{path} holds no passphrase that this user may read"
        raise InputError(msg)
    return found


def _keys(
    place: Place, name: str, organisation: str, clock: Clock, passphrase: bytes | None
) -> tuple[Head, JoinRequest]:
    request = Membership(place.consortium).request(name, organisation, passphrase)
    head = Ledger.create(place.ledger, clock=clock, passphrase=passphrase)
    write_new(place.pseudonym_key, secrets.token_bytes(PSEUDONYM_KEY_BYTES))
    return head, request


def _files(place: Place, name: str, passphrase_file: Path | None) -> None:
    write_new(place.policy, example_policy().encode())
    write_new(place.configuration, station_toml(name, passphrase_file).encode())
    for directory in (place.state, place.rejects, place.root / "run"):
        directory.mkdir(PRIVATE_DIRECTORY)


def station_toml(name: str, passphrase_file: Path | None) -> str:
    """A configuration file with every key and what it means, for a bureau to change."""
    opened = f"passphrase_file = {json.dumps(str(passphrase_file.absolute()))}" if passphrase_file else ""
    return f"""\
# Where this station's claims, socket and logs are. What may leave is said in policy.toml, not here.
# Paths are seen from this file's directory unless they begin with a slash.

# What this bureau is called in messages and in the roster.
name = {json.dumps(name, ensure_ascii=False)}

[claims]
# A ready-made mapping (nhsa_4101_wide, sih_sus, de_synpuf) or a file; `fedclaims-bureau profile FILE` proposes one.
mapping = "nhsa_4101_wide"
# Parquet or CSV files of one layout.
files = ["claims.parquet"]
# Which state of the claims a charge belongs to. "content": the SHA-256 of the files; "snapshot": that of the rows in a
# database. Or a name of your own, which you change when the claims change; then a correction begins no new budget.
data_version = "content"

# Instead of files, a database (PostgreSQL or SQLite), with an account that may read and nothing else:
# [claims.sql]
# url = "postgresql+psycopg://fedclaims_reader@database.example/claims"
# password_file = "sql.password"       # mode 600; leave it out where the account needs no password
# table = "claims.settled"             # or query = "SELECT ..."
# columns = ["setl_id", "psn_no", "diag_code", "medfee_sumamt"]   # no other column is ever asked for

[socket]
# The courier asks here: at most 100 bytes, in a directory that only this station may write to. With the systemd unit:
# "/run/fedclaims/station.sock".
path = "run/station.sock"
# A group of its own for the courier; empty while courier and station run as the same user.
group = ""
# Where the courier lives on another machine: TLS instead of the unix socket, both ends with certificates. A certificate
# of client_root asks if its common name is listed, and nobody else does.
# address = "10.0.0.5:7443"
# certificate = "tls/station.pem"
# key = "tls/station.key"                # mode 600
# client_root = "tls/ca.pem"
# couriers = ["courier"]

[resources]
threads = 1
# Of this machine's memory that rows may take before they move to a temporary file.
memory_share = 0.1

[keys]
# First line: the passphrase of the two key files. Leave it out where they have none.
{opened or '# passphrase_file = "/run/credentials/fedclaims-station.service/passphrase"'}

[ledger]
# The newest head of this bureau's ledger that others have seen, as number:digest. The station does not start on a
# ledger that does not continue it.
seen_head = ""

[log]
level = "info"
"""
