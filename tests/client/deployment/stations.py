"""Real stations for tests: directories as ``init`` makes them, claims with canaries, processes, a coordinator."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from client.command import main
from client.policy import Policy
from client.service import StationLink
from common.consortium.identity import Identity
from common.consortium.joining import JoinRequest
from common.consortium.roster import Governance, Member, Role, Roster, Terms
from common.consortium.signed import SignedRoster
from common.errors import EngineError
from common.features.default import default_spec
from common.plan import Plan, Protection
from common.privacy import Division, Privacy
from common.wire import AnyMessage, decode
from server.masked import terms as coordinating
from simulations.ledgers import granting_policy
from simulations.world import World

NAMES = ("east", "north", "south")
CANARY = "CANARY-4711"
PATIENCE_S = 60.0
OWN = """\
name = "own"
claim_key = ["setl_id"]
person_key = "each_claim"
[fields]
medfee_sumamt = "medfee_sumamt"
[diagnoses]
system = "icd10"
main = "diag_code"
"""
RUN = "import sys; from client.command import main; sys.exit(main())"
COORDINATOR, GOVERNOR = Identity.of_seed(bytes([1] * 32)), Identity.of_seed(bytes([2] * 32))


def plan_of(protection: Protection = Protection.SECURE) -> Plan:
    """Seven short rounds, under more epsilon than anybody should grant."""
    privacy = Privacy.model_validate(
        {
            "epsilon_thousandths": 50_000,
            "unit": "person",
            "weighting": "shared",
            "expected_units": 20_000,
            "leaves_per_cluster": 1,
            "reduction_restarts": 1,
            "division": Division(passes_per_level=1, polish_rounds=2),
        }
    )
    return Plan(features=default_spec(), n_clusters=3, protection=protection, privacy=privacy)


def claims_of(path: Path, place: int) -> Path:
    """A bureau's generated claims, and rows that are refused: in each a canary."""
    bureau = World(n_bureaus=len(NAMES), n_claims=900, seed=5).bureaus[place]
    wanted = [name for name in bureau.schema_names if name != "drg_code"]
    table = pa.Table.from_batches(bureau.batches(wanted)).combine_chunks()
    rows = table.slice(0, 4).to_pylist()
    changes: list[dict[str, Any]] = [
        {"setl_id": f"{CANARY}-a", "diag_code": f"{CANARY} !"},
        {"setl_id": f"{CANARY}-b", "psn_no": f"{CANARY}" * 20},
        {"setl_id": None, "psn_no": CANARY},
        {"setl_id": f"{CANARY}-d", "psn_no": f"{CANARY}-p"},
    ]
    bad = [row | change for row, change in zip(rows, changes, strict=True)]
    plain = pa.schema(
        [(one.name, one.type.value_type if pa.types.is_dictionary(one.type) else one.type) for one in table.schema]
    )
    pq.write_table(pa.concat_tables([table.cast(plain), pa.Table.from_pylist(bad, plain)]), path)
    return path


def policy_toml(policy: Policy) -> str:
    held = policy.model_dump(mode="json")
    return "".join(
        f"{key} = {json.dumps(sorted(one) if isinstance(one, list) else one)}\n" for key, one in held.items()
    )


@dataclass
class Home:
    """A station's directory, made by ``init``."""

    root: Path
    name: str = "north"
    place: int = 0

    def begin(self, plan: Plan | None = None) -> Home:
        assert (
            main(["init", "--dir", str(self.root), "--name", self.name, "--organisation", f"{self.name} health"]) == 0
        )
        claims_of(self.root / "claims.parquet", self.place)
        if plan is not None:
            (self.root / "policy.toml").write_text(policy_toml(granting_policy(plan)))
        return self

    @property
    def socket(self) -> Path:
        return self.root / "run" / "station.sock"

    def configure(self, old: str, new: str) -> None:
        path = self.root / "station.toml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def member(self) -> Member:
        asked = JoinRequest.from_json((self.root / "consortium" / "join-request.json").read_bytes())
        return Member(name=asked.name, organisation=asked.organisation, role=Role.BUREAU, public_key=asked.public_key)

    def accept(self, signed: SignedRoster) -> None:
        path = self.root.parent / f"roster-{self.name}.json"
        path.write_bytes(signed.to_json())
        digest = signed.roster.governance.digest.hex()
        directory = str(self.root / "consortium")
        assert main(["join", "--dir", directory, "--accept", str(path), "--governance", digest]) == 0


def roster_of(homes: Sequence[Home], *, version: int = 1, lasts_s: int = 90 * 86_400) -> SignedRoster:
    """A roster of these bureaus, signed by its governance."""
    now = int(time.time())
    members = [one.member() for one in homes]
    members.append(Member(name="coordinator", organisation="all", role=Role.COORDINATOR, public_key=COORDINATOR.public))
    roster = Roster(
        version=version,
        valid_from=now - 100_000,
        valid_until=now + lasts_s,
        members=tuple(sorted(members, key=lambda one: one.name)),
        terms=Terms(min_cohort=3, honest_floor=2, colluding=1, max_rounds=1000),
        governance=Governance(keys=(GOVERNOR.public,), threshold=1),
    )
    return SignedRoster(roster=roster).signed_by(GOVERNOR)


def terms_of(plan: Plan, roster: Roster) -> coordinating.Terms:
    return coordinating.Terms(
        plan=plan,
        session=os.urandom(16),
        version="1",
        coordinator="coordinator",
        identity=COORDINATOR,
        roster=roster.digest,
        bureau_keys={one.name: one.public_key for one in roster.of_role(Role.BUREAU)},
        colluding=1,
        expires=int(time.time()) + 3600,
    )


@dataclass
class Running:
    """A station's process, which may be killed and started again; its log goes on in one file."""

    home: Home
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.home.root.parent / f"{self.home.name}.log"

    def start(self) -> Running:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  our own command
                [sys.executable, "-c", RUN, "start", "--dir", str(self.home.root)], stdout=log, stderr=log
            )
        return self

    def kill(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def logged(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def ask(self, request: bytes) -> bytes:
        """Until there is an answer: a station may just be starting."""
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                with StationLink(self.home.socket, PATIENCE_S) as link:
                    return link.answer(request)
            except EngineError:
                assert self.process is None or self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < until
                time.sleep(0.1)


@dataclass
class Sockets:
    """Carries requests to stations' sockets; ``after`` may do something to a station once it has answered."""

    stations: Mapping[str, Running]
    after: Callable[[str, AnyMessage], None] = lambda _, __: None
    replies: list[bytes] = field(default_factory=list)

    def nodes(self) -> Sequence[str]:
        return [f"@{name}" for name in self.stations]

    def exchange(self, requests: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
        for node, request in requests.items():
            self.replies.append(self.stations[node[1:]].ask(request))
            yield node, self.replies[-1]
            self.after(node[1:], decode(request))
