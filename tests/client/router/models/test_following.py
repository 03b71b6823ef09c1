"""A stream's models accepted without a person: only where the policy says so and every check passes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from client.router.belonging import about
from client.router.deciding.policy import RouterPolicy, example_router_policy, parse_router_policy
from client.router.deciding.record import DecisionRecord
from client.router.desk import Desk
from client.router.explaining import replayed
from client.router.models.choosing import canary_moves, choose, go_back
from client.router.models.following import Followed, follow, kept, prune
from client.router.models.standing import GONE_BACK_TO, Stance
from client.router.router import now
from client.router.serving.process import Following
from client.router.store.artefacts import Kind
from common.model import Model
from simulations.world import World
from tests.client.router.homes import some_claims
from tests.client.router.store.streaming import StreamHome
from tests.client.router.streams import IDENTITIES, OTHER_STREAM, cluster, in_order, streamed, with_stream


def usual(window: int, stream: str = "ab" * 16) -> Model:
    return streamed(in_order(IDENTITIES), window=window, stream=stream)


def jumped(window: int) -> Model:
    """All claims of a model that has lost all clusters but one, which is in quarantine, go to a person."""
    return streamed([cluster(0, IDENTITIES[0], quarantined=True)], window=window)


@pytest.fixture
def home(tmp_path: Path) -> StreamHome:
    """A stream's first version, accepted by a person; canaries; a policy that accepts what follows."""
    found = StreamHome.begin(tmp_path / "router")
    found.home.policy(accept_stream_models=True, novel_beyond=100, min_confidence=0.0)
    pq.write_table(
        pa.Table.from_batches(World(n_bureaus=1, n_claims=400, seed=4).batches()), tmp_path / "router/c.parquet"
    )
    found.home.configure('# canaries = "canaries.parquet"', 'canaries = "c.parquet"')
    found.receive(usual(50))
    found.settle(1)
    lenient(found)
    with Desk.open(found.home.root) as desk:
        choose(desk, 1, now())
    return found


def lenient(home: StreamHome) -> None:
    """With a calibration under which the canaries, unlike the small world's claims, may be FAST."""
    routing = home.routing(1)
    calibration = with_stream(routing).calibration
    assert calibration is not None
    with Desk.open(home.home.root) as desk:
        held = calibration.model_copy(update={"fast_score": 0.0}).to_json()
        desk.store.artefacts.point(
            Kind.CALIBRATION, about(routing), desk.store.artefacts.keep(Kind.CALIBRATION, held, 1)
        )


def followed(home: StreamHome, moment: int | None = None) -> Followed:
    with Desk.open(home.home.root) as desk:
        return follow(desk, now() if moment is None else moment)


def in_force(home: StreamHome) -> int | None:
    with Desk.open(home.home.root) as desk:
        return desk.shelf.standing().in_force


def test_the_newest_model_of_the_stream_is_accepted_and_the_standing_says_by_whom(home: StreamHome) -> None:
    home.receive(usual(51))
    home.receive(usual(52))
    assert followed(home).accepted == in_force(home) == 3
    with Desk.open(home.home.root) as desk:
        standing = desk.shelf.standing()
    assert (standing.entry(3).by_policy, standing.entry(1).by_policy) == (True, False)
    assert standing.by_person == 1
    assert followed(home) == Followed(kept=followed(home).kept)


def test_nothing_is_accepted_unless_the_policy_says_so(home: StreamHome) -> None:
    home.home.policy(accept_stream_models=False)
    home.receive(usual(51))
    assert followed(home) == Followed(allowed=False)
    assert in_force(home) == 1
    assert RouterPolicy().accept_stream_models is False


def test_a_policy_that_does_not_say_it_has_the_fingerprint_that_it_always_had() -> None:
    assert b"accept_stream_models" not in RouterPolicy().to_json()
    says = RouterPolicy(accept_stream_models=True)
    assert RouterPolicy.from_json(says.to_json()) == says
    assert says.fingerprint != RouterPolicy().fingerprint
    assert parse_router_policy(example_router_policy().encode()).accept_stream_models is False


def test_a_model_that_moves_too_many_canaries_waits_for_a_person_and_says_so(home: StreamHome) -> None:
    home.receive(jumped(51))
    for _ in range(2):
        found = followed(home)
        assert (found.accepted, in_force(home)) == (None, 1)
        assert found.waiting is not None
        assert found.waiting[0] == 2
        assert "canary claims would change their lane" in found.waiting[1]
    with Desk.open(home.home.root) as desk:
        assert desk.shelf.standing().entry(2).held_back == found.waiting[1]
        assert desk.shelf.standing().entry(2).stance is Stance.WAITING
    home.receive(usual(52))
    assert followed(home).accepted == 3


def test_without_canaries_a_person_accepts(home: StreamHome) -> None:
    home.home.configure('canaries = "c.parquet"', "")
    home.receive(usual(51))
    found = followed(home)
    assert found.accepted is None
    assert "no canary claims" in str(found.waiting)


def test_the_first_model_another_stream_and_what_follows_a_roll_back_are_a_persons(
    home: StreamHome, tmp_path: Path
) -> None:
    fresh = StreamHome.begin(tmp_path / "fresh")
    fresh.home.policy(accept_stream_models=True, max_canary_moves=1.0)
    fresh.receive(usual(50))
    assert "a person accepts the first one" in str(followed(fresh).waiting)
    home.receive(usual(51, OTHER_STREAM))
    assert "another stream" in str(followed(home).waiting)
    home.receive(usual(52))
    assert followed(home).accepted == 3
    with Desk.open(home.home.root) as desk:
        go_back(desk, 1, now())
    home.receive(usual(53))
    assert "went back to version 1" in str(followed(home).waiting)
    assert in_force(home) == 1


def test_an_unsigned_or_expired_version_is_never_accepted(home: StreamHome) -> None:
    version = home.receive(usual(51))
    [folder] = (home.home.root / "models").glob("2-*")
    signed = home.signed[version - 1].model_copy(update={"approvals": ()})
    (folder / "publication.json").write_bytes(signed.to_json())
    assert "signature" in str(followed(home).waiting)
    assert in_force(home) == 1
    (folder / "publication.json").write_bytes(home.signed[version - 1].to_json())
    assert followed(home, home.signed[1].publication.expires).accepted is None
    assert followed(home).accepted == 2


def stepping(step: int) -> Model:
    """Each step takes one more cluster into quarantine."""
    return streamed(
        [cluster(place, one, quarantined=place < step) for place, one in enumerate(IDENTITIES)], window=50 + step
    )


def test_many_small_steps_are_no_way_around_the_limit(home: StreamHome) -> None:
    home.home.policy(max_canary_moves=0.5)
    alone, since = [], []
    with Desk.open(home.home.root) as desk:
        for step in range(1, len(IDENTITIES) + 1):
            version, before = home.receive(stepping(step)), desk.shelf.standing().in_force
            alone.append(canary_moves(desk, desk.shelf.held(before or 0), desk.shelf.held(version), now()).share_moved)
            since.append(canary_moves(desk, desk.shelf.held(1), desk.shelf.held(version), now()).share_moved)
            assert (follow(desk, now()).accepted is not None) is (max(alone[-1], since[-1]) <= 0.5)
        assert desk.shelf.standing().by_person == 1
    assert any(one <= 0.5 < other for one, other in zip(alone, since, strict=True))
    assert since[0] <= 0.5


def test_old_versions_are_pruned_and_every_record_replays(home: StreamHome) -> None:
    records, claims = [], some_claims(200)
    with home.open() as router:
        records += [DecisionRecord.from_json(one) for one in router.decide(claims.select(np.arange(10))).records]
    for step in range(1, 10):
        home.receive(usual(50 + step))
        found = followed(home)
        with home.open() as router:
            some = claims.select(np.arange(10 * step, 10 * step + 10))
            records += [DecisionRecord.from_json(one) for one in router.decide(some).records]
    assert found.kept == {"in force": 1, "last accepted by a person": 1, "to go back to": GONE_BACK_TO}
    folders = sorted(int(path.name.partition("-")[0]) for path in (home.home.root / "models").glob("*-*"))
    assert folders == [1, 6, 7, 8, 9, 10]
    assert len({one.model_version for one in records}) == 10
    with Desk.open(home.home.root) as desk:
        assert desk.shelf.standing().pruned == 5
        for record in records[::3]:
            assert replayed(desk, record) == record
        go_back(desk, 8, now())
    assert in_force(home) == 8


def test_a_version_whose_model_the_store_does_not_have_stays_on_the_shelf(home: StreamHome) -> None:
    with Desk.open(home.home.root) as desk:
        for step in range(1, 9):
            version = home.receive(usual(50 + step))
            desk.shelf.accept(version, desk.trust(now()), now(), by_policy=True)  # nothing was ever decided with it
        assert prune(desk, now()) == 0
        assert kept(desk, now())["named by records"] == 3
        assert desk.shelf.held(2).publication.version == 2


def test_what_was_pruned_is_not_taken_from_the_station_again(home: StreamHome, tmp_path: Path) -> None:
    arrivals = tmp_path / "arrivals"
    home.home.configure('# arrivals = "/var/lib/fedclaims/station/models"', f'arrivals = "{arrivals}"')
    for step in range(1, 9):
        version = home.publish(usual(50 + step))
        folder = arrivals / f"{version}-{home.signed[-1].publication.digest[:16]}"
        folder.mkdir(parents=True)
        (folder / "publication.json").write_bytes(home.signed[-1].to_json())
        (folder / "model.json").write_bytes(home.models[-1])
        found = followed(home)
        assert (found.accepted, found.arrived.received) == (version, [version])
        assert found.arrived.refused == {}


def test_a_serving_router_takes_up_what_it_may_and_says_once_what_waits(
    home: StreamHome, caplog: pytest.LogCaptureFixture
) -> None:
    with home.open() as router:
        following = Following(router)
        assert not following.news()
        home.receive(usual(51))
        assert following.news()
        home.receive(jumped(52))
        assert not following.news()
        assert not following.news()
    assert [one.message for one in caplog.records].count("model version 3 waits for a person") == 1
