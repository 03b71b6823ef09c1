"""``fedclaims-coordinator roster``: who belongs to the consortium, version by version, signed by its governance.

Exit codes: 0 done; 3 a file or an option needs mending; 5 the roster is forged, or goes back; 7 the disk failed.
"""

from __future__ import annotations

import argparse
import getpass
import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path

from common.consortium.identity import KEY_BYTES, Identity
from common.consortium.joining import JoinRequest
from common.consortium.roster import Governance, Member, Role, Roster, Terms
from common.consortium.signed import SignedRoster
from common.errors import InputError
from server.consortium.drafting import (
    Span,
    begin,
    governance_of,
    member_of,
    renewed,
    terms_of,
    with_member,
    without_member,
)
from server.consortium.files import alone, load_key, make_directory, read_bounded, replace, write_key
from server.consortium.holding import KEY_FILE, ROSTER_FILE, Holding
from server.consortium.options import add_options
from server.consortium.page import as_json, in_words, next_step, standing

DAY_S = 86_400


def add_roster(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``roster`` with everything below it to the commands; ``run`` is what to call."""
    roster = commands.add_parser("roster", help="who belongs to the consortium", description=__doc__)
    run = {"init": _init, "add": _add, "revoke": _revoke, "renew": _renew, "sign": _sign, "show": _show, "key": _key}
    add_options(roster, run)


def _init(arguments: argparse.Namespace) -> None:
    made = [_new_identity() for _ in range(arguments.governance_keys)]
    identity, directory = _new_identity(), arguments.dir
    governance = governance_of([*(one.public for one in made), *arguments.governance_key], arguments.threshold)
    roster = begin(_coordinator(arguments, identity), _terms(arguments), governance, _span(arguments, int(time.time())))
    passphrase = _passphrase(twice=True) if arguments.passphrase else None
    make_directory(directory)
    files = [directory / f"governance-{number}.key" for number in range(1, len(made) + 1)]
    for file, one in zip((*files, directory / KEY_FILE), (*made, identity), strict=True):
        write_key(file, one, passphrase)
    Holding(directory).begin(roster)
    held = {"directory": str(directory), "governance_digest": governance.digest.hex(), "version": roster.version}
    _say(arguments, _begun(directory, governance, files), held | {"governance_files": [str(file) for file in files]})


def _add(arguments: argparse.Namespace) -> None:
    now, member = int(time.time()), _asked(arguments)
    doubt = "" if arguments.request else " Nobody has shown that it holds the secret half of its key."
    changed = Holding(arguments.dir).change(
        lambda roster, pinned: with_member(roster, member, pinned, _span(arguments, now)), now
    )
    said = f"{member.name!r} is listed as {member.role.value}.{doubt}\n{_changed(changed)}"
    _say(arguments, said, _standing(changed) | {"name": member.name, "key_proven": not doubt})


def _revoke(arguments: argparse.Namespace) -> None:
    now = int(time.time())
    changed = Holding(arguments.dir).change(
        lambda roster, pinned: without_member(roster, arguments.name, pinned, _span(arguments, now)), now
    )
    said = f"{arguments.name!r} is no longer listed; a bureau trusts it until the bureau accepts the new version."
    _say(arguments, f"{said}\n{_changed(changed)}", _standing(changed) | {"name": arguments.name})


def _renew(arguments: argparse.Namespace) -> None:
    now, keys, threshold = int(time.time()), arguments.governance_key, arguments.threshold
    if keys and threshold is None:
        raise InputError("another governance needs its --threshold, too")

    def next_version(roster: Roster, pinned: Governance) -> Roster:
        current = roster.governance
        governance = governance_of(keys or current.keys, current.threshold if threshold is None else threshold)
        return renewed(roster, governance, pinned, _span(arguments, now))

    changed = Holding(arguments.dir).change(next_version, now)
    _say(arguments, _changed(changed), _standing(changed))


def _sign(arguments: argparse.Namespace) -> None:
    path = arguments.roster or arguments.dir / ROSTER_FILE
    identity = load_key(arguments.key, _passphrase(twice=False) if arguments.passphrase else None)
    with alone(path.parent):
        signed = SignedRoster.from_json(read_bounded(path))
        signed.signers()
        added = signed.signed_by(identity)
        if added != signed:
            replace(path, added.to_json())
    word = "had signed before" if added == signed else "has signed"
    said = (
        f"{identity.public.hex()} {word}: roster version {added.roster.version}, {len(added.roster.members)} members, "
        f"digest {added.roster.digest.hex()}\n{next_step(added.roster, added.missing())}"
    )
    held = _standing(added.roster) | {"signatures_missing": added.missing(), "signed_before": added == signed}
    _say(arguments, said, held | {"public_key": identity.public.hex()})


def _show(arguments: argparse.Namespace) -> None:
    path = arguments.roster or arguments.dir / ROSTER_FILE
    pin = None if arguments.roster else Holding(arguments.dir).pin()
    found = standing(SignedRoster.from_json(read_bounded(path)), pin, int(time.time()))
    print(as_json(found) if arguments.json else in_words(found))  # noqa: T201 - this is what a command is for


def _key(arguments: argparse.Namespace) -> None:
    passphrase = _passphrase(twice=True) if arguments.passphrase else None
    identity = _new_identity()
    write_key(arguments.out, identity, passphrase)
    said = (
        f"A key lies in {arguments.out}; keep it offline and show it to nobody. Its public half: "
        f"{identity.public.hex()}\nNext: tell the coordinator the public half, for `fedclaims-coordinator roster init "
        "--governance-key`."
    )
    _say(arguments, said, {"file": str(arguments.out), "public_key": identity.public.hex()})


def _coordinator(arguments: argparse.Namespace, identity: Identity) -> Member:
    return member_of(
        name=arguments.name,
        organisation=arguments.organisation,
        role=Role.COORDINATOR,
        public_key=identity.public,
    )


def _terms(arguments: argparse.Namespace) -> Terms:
    return terms_of(
        min_cohort=arguments.min_cohort,
        honest_floor=arguments.honest_floor,
        colluding=arguments.colluding,
        max_rounds=arguments.max_rounds,
    )


def _asked(arguments: argparse.Namespace) -> Member:
    """The member that is to be added; a request proves who holds the key."""
    key, organisation = arguments.key, arguments.organisation
    if arguments.request is not None:
        request = JoinRequest.from_json(read_bounded(arguments.request))
        if request.name != arguments.name or organisation not in {None, request.organisation}:
            msg = (
                f"the request is of {request.name!r}, {request.organisation!r}: add it under these, or ask for another"
            )
            raise InputError(msg)
        key, organisation = request.public_key, request.organisation
    if organisation is None:
        raise InputError("with --key, say whose it is with --organisation")
    return member_of(name=arguments.name, organisation=organisation, role=Role(arguments.role), public_key=key)


def _begun(directory: Path, governance: Governance, files: list[Path]) -> str:
    apart = f"Give each of {', '.join(map(str, files))} to its holder, then remove it from here. " if files else ""
    return (
        f"A consortium begins in {directory}; version 1 of its roster lists the coordinator alone.\n"
        f"Governance digest, for every bureau by another way than the roster: {governance.digest.hex()}\n"
        f"Next: {apart}Add the bureaus with `fedclaims-coordinator roster add --dir {directory}`; then have "
        f"{governance.threshold} of {len(governance.keys)} governance keys sign with `roster sign`."
    )


def _changed(roster: Roster) -> str:
    missing = SignedRoster(roster=roster).missing()
    return (
        f"This is version {roster.version}, unsigned; the one before counts until it is.\n{next_step(roster, missing)}"
    )


def _standing(roster: Roster) -> dict[str, object]:
    """A version for programs; one that was just made lacks every signature."""
    return {
        "version": roster.version,
        "digest": roster.digest.hex(),
        "members": len(roster.members),
        "signatures_missing": SignedRoster(roster=roster).missing(),
    }


def _span(arguments: argparse.Namespace, now: int) -> Span:
    return Span(now=now, seconds=arguments.days * DAY_S)


def _new_identity() -> Identity:
    return Identity.of_seed(secrets.token_bytes(KEY_BYTES))


def _say(arguments: argparse.Namespace, words: str, held: Mapping[str, object]) -> None:
    """Tell people or, with ``--json``, programs."""
    print(json.dumps(held, ensure_ascii=False) if arguments.json else words)  # noqa: T201 - what a command is for


def _passphrase(*, twice: bool) -> bytes:
    given = getpass.getpass("Passphrase of the key file: ").encode()
    if not given or (twice and getpass.getpass("Once more: ").encode() != given):
        raise InputError("the passphrase is empty, or the two are not the same")
    return given
