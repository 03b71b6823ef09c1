"""The score: its formula worked out a second way, peers by hand, the same bits alone and in a batch."""

from functools import cache

import numpy as np
import pytest

from client.router.deciding.distance import locate
from client.router.deciding.habits import ABSENT, FEWEST_PEERS, Habits, no_habits
from client.router.deciding.inputs import columns_of
from client.router.deciding.observing import observe
from client.router.deciding.scoring import COST, FEES, MILLION, RARITY, STAY, Scores, score
from common.errors import InputError
from tests.client.router.deciding.worlds import LOT, NOW, artefacts, routed, routing_model, rows


@cache
def scored(n: int = 400, seed: int = 8) -> Scores:
    places = locate(rows(n, seed), routing_model())
    return score(columns_of(routed(n, seed), LOT), places.nearest, places.square, routing_model(), artefacts().usual)


def root_shares(fees: np.ndarray) -> np.ndarray:
    held = np.maximum(fees, 0).astype(float)
    return np.sqrt(held / max(held.sum(), 1))


def parts_of(row: int, habits: Habits) -> list[float]:
    """The formula in plain Python."""
    table, places = routed(400, 8).table, locate(rows(400, 8), routing_model())
    group = habits.groups[habits.names[scored().peers[row]]]
    cost, cost_spread, stay, stay_spread, fee_median, *means = group.stats
    z_cost = (np.log(max(table.total[row], 1)) - cost) / np.hypot(cost_spread, 0.1)
    z_stay = (np.log1p(max(table.stay_days[row], 0)) - stay) / np.hypot(stay_spread, 0.2)
    far = ((root_shares(table.fees[row]) - means) ** 2).sum()
    code = table.diagnoses[0].values[table.diagnoses[0].indices[row]][:3]
    index = table.operations[0].indices[row]
    operation = table.operations[0].values[index] if index >= 0 else ""
    usual = (habits.operations.get(operation, 0) + 0.5) / (habits.n_claims + 1)
    pair, diagnosed = habits.pairs.get(f"{code}|{operation}", 0), habits.diagnoses.get(code, 0)
    rarity = -np.log((pair + 5 * usual) / (diagnosed + 5))
    distance = places.square[row] / 2**40 / routing_model().mean_squares[places.nearest[row]]
    return [np.log1p(z_cost**2), np.log1p(z_stay**2), np.log1p(far / (fee_median + 0.005)), rarity, np.log1p(distance)]


def test_parts_and_score_are_those_of_the_formula() -> None:
    for row in range(400):
        expected = parts_of(row, artefacts().usual)
        assert scored().parts[row] / MILLION == pytest.approx(expected, abs=2e-6)
        strange = max(expected[:3]) + expected[3] / 2 + expected[4] / 2
        assert scored().scores[row] / MILLION == pytest.approx(1 / (1 + strange), abs=2e-6)


def test_a_claim_alone_has_the_bits_it_has_among_many() -> None:
    places = locate(rows(400, 8), routing_model())
    columns = columns_of(routed(400, 8), LOT)
    for row in range(400):
        one = np.array([row])
        alone = score(columns.select(one), places.nearest[one], places.square[one], routing_model(), artefacts().usual)
        assert (alone.parts[0] == scored().parts[row]).all()
        assert alone.scores[0] == scored().scores[row]


def test_what_is_far_from_its_peers_is_stranger_in_that_part_alone() -> None:
    columns = columns_of(routed(400, 8), LOT)
    places = locate(rows(400, 8), routing_model())

    def with_changed(**changes: np.ndarray) -> Scores:
        held = {name: getattr(columns, name) for name in columns.__slots__} | changes
        return score(type(columns)(**held), places.nearest, places.square, routing_model(), artefacts().usual)

    dearer = with_changed(total=columns.total * 1000)
    longer = with_changed(stay_days=columns.stay_days + 3000)
    shifted = with_changed(fees=np.eye(14, dtype=np.int64)[np.full(400, 12)] * columns.total[:, None])
    for part, changed in ((COST, dearer), (STAY, longer), (FEES, shifted)):
        others = [place for place in range(5) if place != part]
        assert (changed.parts[:, others] == scored().parts[:, others]).all()
        assert changed.parts[:, part].mean() > 1.2 * scored().parts[:, part].mean()


def test_peers_are_the_narrowest_group_with_enough_claims() -> None:
    table, habits = routed(400, 8).table, artefacts().usual
    assert all(group.n >= FEWEST_PEERS for group in habits.groups.values())
    for row in range(400):
        name = habits.names[scored().peers[row]]
        index = table.operations[0].indices[row]
        if index >= 0:
            assert name == f"operation {table.operations[0].values[index]}"
        else:
            code = table.diagnoses[0].values[table.diagnoses[0].indices[row]]
            assert name == f"diagnosis {code[:3]}"


def test_habits_count_what_was_observed() -> None:
    table, habits = routed().table, artefacts().usual
    operation = table.operations[0].values[0]
    with_it = table.operations[0].indices == 0
    group = habits.groups[f"operation {operation}"]
    assert group.n == with_it.sum() == habits.operations[operation]
    assert group.stats[0] == pytest.approx(np.median(np.log(np.maximum(table.total[with_it], 1))))
    assert sum(habits.operations.values()) == sum(habits.pairs.values()) == habits.n_claims == 1500
    assert habits.groups["all"].n == 1500


def test_claims_with_unknown_codes_fall_back_to_their_cluster_and_to_all() -> None:
    columns = columns_of(routed(400, 8).select(np.arange(1)), LOT)
    unknown = type(columns.diagnoses)(indices=np.zeros(1, np.int32), values=("ZZZZ",))
    nothing = type(columns.diagnoses)(indices=np.full(1, -1, np.int32), values=())
    habits = artefacts().usual
    found = habits.kinds(unknown, nothing, np.array([0]), routing_model().kin)
    assert habits.names[found.peers[0]] in {"cluster 0", "chapter 21"}
    assert (found.pair[0], found.diagnosis[0]) == (0, 0)
    few = Habits.from_json(habits.model_copy(update={"groups": {"all": habits.groups["all"]}}).to_json())
    assert few.names[few.kinds(unknown, nothing, np.array([0]), routing_model().kin).peers[0]] == "all"
    two = {name: habits.groups[name] for name in ("all", "cluster 0")}
    nearer = Habits.from_json(habits.model_copy(update={"groups": two}).to_json())
    assert nearer.names[nearer.kinds(unknown, nothing, np.array([0]), routing_model().kin).peers[0]] == "cluster 0"
    assert nearer.names[nearer.kinds(unknown, nothing, np.array([1]), routing_model().kin).peers[0]] == "all"
    none = no_habits(routing_model().sha256).kinds(unknown, nothing, np.array([0]), routing_model().kin)
    assert none.peers[0] == ABSENT


def test_a_claim_that_was_observed_is_left_out_of_its_own_counts() -> None:
    held, model = routed(), routing_model()
    places = locate(rows(), model)
    habits = artefacts().usual
    one = np.array([0])
    columns = columns_of(held, LOT).select(one)
    inside = score(columns, places.nearest[one], places.square[one], model, habits, among=True)
    rest = held.table.select(np.arange(1, len(held)))
    without = observe(rest, places.nearest[1:], model, NOW)
    outside = score(columns, places.nearest[one], places.square[one], model, without)
    assert inside.parts[0, RARITY] == outside.parts[0, RARITY]


def test_few_improper_claims_hardly_move_the_habits() -> None:
    held, model = routed().table, routing_model()
    nearest = locate(rows(), model).nearest
    total = held.total.copy()
    total[::100] *= 1000
    moved = observe(
        type(held)(**{name: getattr(held, name) for name in held.__slots__} | {"total": total}), nearest, model, NOW
    )
    for name, group in artefacts().usual.groups.items():
        if group.n >= 100:
            assert moved.groups[name].stats[0] == pytest.approx(group.stats[0], abs=0.1)


def test_too_few_peers_are_no_group() -> None:
    few = np.arange(FEWEST_PEERS + 5)
    nearest = locate(rows(), routing_model()).nearest
    habits = observe(routed().table.select(few), nearest[few], routing_model(), NOW)
    assert min(group.n for group in habits.groups.values()) >= FEWEST_PEERS
    assert len(habits.groups) < len(set(nearest[few].tolist())) + 1


def test_habits_survive_their_spelling() -> None:
    habits = artefacts().usual
    again = Habits.from_json(habits.to_json())
    assert (again, again.sha256) == (habits, habits.sha256)
    with pytest.raises(InputError):
        Habits.from_json(b"{}")
    with pytest.raises(InputError):
        Habits.from_json(habits.to_json().replace(b"icd9cm3", b"unknown"))
