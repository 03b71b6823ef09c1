"""Declared against measured sensitivity, in integers, over neighbouring data sets chosen to hurt.

Answers are sums over claims, and a person's weights follow from that person's claims alone. So what a person changes
is the answer about that person's claims, which is what most tests ask for; two tests show that this is so.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from client.rowstore import CHUNK_ROWS, RowStore
from common.costs import Costs
from common.grid import GRID_UNITS
from common.kernel import row_norms
from common.plan import Phase
from common.privacy import Privacy
from common.private.answering import raw_answer
from common.private.bounding import bounded_counts
from common.private.question import Block, parted
from common.weighting import Weighting, Weights, weigh
from tests.statistical import faults
from tests.statistical.faults import Answering
from tests.statistical.neighbours import CAP_YUAN, Bureau, Scene, bureau, differences, parts_of, scene, terms

PHASES = (Phase.SEEDING, Phase.LLOYD, Phase.RADIUS, Phase.MEASURE)
N_SCENES, N_PERSONS = 60, 210
N_TWINS = 8
LARGEST_WORD = 1 << 26
"""Its square alone is above every declared bound, and a thousand of them fit into int64."""

Labels, Kinds = npt.NDArray[np.int32], npt.NDArray[np.int64]
Measured = dict[str, tuple[int, int]]
"""By phase and block: the largest squared norm that was measured, and the declared one."""


CASES = {
    "a claim": terms(Weighting.EACH_CLAIM),
    "shared": terms(Weighting.SHARED),
    **{f"capped at {cap}": terms(Weighting.CAPPED, cap) for cap in (1, 2, 3, 4)},
    "shared, in two bureaus": terms(Weighting.SHARED, bureaus=2),
    "capped at 3, in three bureaus": terms(Weighting.CAPPED, 3, bureaus=3),
}


def largest(words: npt.NDArray[np.int64], parts: Sequence[Block]) -> list[int]:
    """The largest squared norm of each block over all rows of words."""
    held = np.clip(words, -LARGEST_WORD, LARGEST_WORD)
    cut = parted(held.T, tuple(part.n_words for part in parts))
    return [int((part * part).sum(axis=0).max()) for part in cut]


def measured(privacy: Privacy, phase: Phase, found: Scene, weights: Weights, answering: Answering) -> Measured:
    question, norms = found.question(phase), row_norms(found.rows)
    words = [
        answering(
            question,
            found.rows[who],
            norms[who],
            Costs(yuan=found.costs.yuan[who], log=found.costs.log[who]),
            weights[who],
            cap_yuan=CAP_YUAN,
        )
        for who in found.persons
    ]
    parts = parts_of(privacy, question)
    names = [f"{phase} {part.name}" for part in parts]
    declared = [part.squared_sensitivity for part in parts]
    return dict(zip(names, zip(largest(np.stack(words), parts), declared, strict=True), strict=True))


def sensitivities(
    privacy: Privacy,
    n_scenes: int = N_SCENES,
    answering: Answering = raw_answer,
    *,
    weighed_as: Privacy | None = None,
    phases: Sequence[Phase] = PHASES[1:],
) -> Measured:
    """The worst of many scenes; ``weighed_as`` weighs claims by other terms than those that are declared."""
    worst: Measured = {}
    held = weighed_as or privacy
    for seed in range(n_scenes):
        found = scene(seed, held, N_PERSONS)
        weights = weigh(found.ids, held.weighting, held.claims_per_person)
        for phase in phases:
            for name, pair in measured(privacy, phase, found, weights, answering).items():
                worst[name] = max(worst.get(name, (0, 0)), pair)
    return worst


def exceeded(found: Measured) -> set[str]:
    return {name for name, (seen, declared) in found.items() if seen > declared}


def test_a_hundred_thousand_neighbouring_pairs_are_tried() -> None:
    assert len(CASES) * N_SCENES * N_PERSONS >= 100_000


@pytest.mark.parametrize("case", CASES)
def test_no_pair_of_neighbours_exceeds_the_declared_sensitivity_and_some_reach_it(case: str) -> None:
    found = sensitivities(CASES[case])
    assert len(found) == 7
    assert exceeded(found) == set()
    assert min(seen / declared for seen, declared in found.values()) >= 0.999**2, found


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_no_pair_of_a_million_exceeds_it_either(case: str) -> None:
    assert exceeded(sensitivities(CASES[case], 10 * N_SCENES, phases=PHASES)) == set()


EVERY_BLOCK = {
    *("lloyd counts", "lloyd sums", "lloyd squares", "radius histogram"),
    *("measure counts", "measure squares", "measure costs"),
}


@pytest.mark.parametrize(
    ("declared", "weighed_as"),
    [
        ("shared", terms(Weighting.CAPPED, 8)),
        ("capped at 2", terms(Weighting.CAPPED, 3)),
        ("shared", terms(Weighting.SHARED, bureaus=2)),
        ("capped at 1", terms(Weighting.CAPPED, 1, bureaus=2)),
    ],
)
def test_wrong_weights_exceed_it_in_every_block(declared: str, weighed_as: Privacy) -> None:
    assert exceeded(sensitivities(CASES[declared], N_TWINS, weighed_as=weighed_as)) == EVERY_BLOCK


@pytest.mark.parametrize(
    ("answering", "blocks_hit"),
    [
        (faults.unshortened, {"lloyd sums"}),
        (faults.rounded_to_nearest, {"lloyd sums"}),
        (faults.uncapped_squares, {"lloyd squares", "measure squares"}),
        (faults.costs_beyond_the_window, {"measure costs"}),
        (faults.counted_in_two_bins, {"radius histogram"}),
    ],
)
def test_a_broken_bound_exceeds_it_in_its_block(answering: Answering, blocks_hit: set[str]) -> None:
    assert exceeded(sensitivities(CASES["a claim"], N_TWINS, answering)) == blocks_hit


PERSONS = [CASES[case] for case in ("shared", "capped at 1", "capped at 2", "capped at 4")]


def surprises(held: Bureau, privacy: Privacy) -> int:
    """How many answers the target changes otherwise than by the answer about the target alone, or by too much."""
    found = 0
    for question, difference, alone in differences(held, privacy):
        parts = parts_of(privacy, question)
        declared = [part.squared_sensitivity for part in parts]
        within = all(seen <= bound for seen, bound in zip(largest(difference[None], parts), declared, strict=True))
        words = slice(-parts[-1].n_words) if question.phase is Phase.OUTCOMES else slice(None)
        same = difference[words] == alone.answer(question, privacy)[words]
        found += not (within and same.all())
    return found


@pytest.mark.parametrize(("n_pairs", "n_claims"), [(250, 400), (2, 3 * CHUNK_ROWS)])
def test_what_a_person_changes_in_a_whole_bureau_is_the_answer_about_that_person_alone(
    n_pairs: int, n_claims: int
) -> None:
    assert sum(surprises(bureau(seed, n_claims), privacy) for seed in range(n_pairs) for privacy in PERSONS) == 0


def test_what_a_claim_changes_in_a_whole_bureau_is_the_answer_about_that_claim_alone() -> None:
    assert sum(surprises(bureau(seed, 400, 1), CASES["a claim"]) for seed in range(250)) == 0


def test_weights_that_depend_on_the_crowd_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("client.persons.weigh", lambda ids, *_: faults.shared_by_the_crowd(ids))
    assert min(surprises(bureau(seed, 400), PERSONS[0]) for seed in range(5)) == 4


def test_outcomes_that_are_counted_without_weights_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def unweighted(weights: Weights, labels: Labels, kinds: Kinds, shape: tuple[int, int]) -> Kinds:
        return bounded_counts(np.full_like(weights, GRID_UNITS), labels, kinds, shape)

    monkeypatch.setattr("client.decided.bounded_counts", unweighted)
    assert sum(surprises(bureau(seed, 400), PERSONS[0]) for seed in range(5)) > 0


def test_a_largest_provider_moves_by_no_more_than_what_moves_it_and_sometimes_by_less() -> None:
    moved, least = set(), 0
    for seed in range(100):
        question, difference, alone = differences(bureau(seed, 60), PERSONS[0])[-1]
        largest, brought = difference[-3:], alone.answer(question, PERSONS[0])[-3:]
        moved.add(int((largest > brought).sum()))
        least += int((largest < brought).sum())
    assert moved == {0}
    assert least > 0


def test_a_bureau_without_claims_answers_as_many_words_as_one_with_a_claim() -> None:
    for question, _, alone in differences(bureau(1, 400), PERSONS[0]):
        nobody = RowStore(4, CAP_YUAN)
        assert nobody.answer(question, PERSONS[0]).shape == alone.answer(question, PERSONS[0]).shape


@pytest.mark.parametrize("privacy", PERSONS)
def test_adding_a_person_changes_nobody_elses_weights(privacy: Privacy) -> None:
    for seed in range(200):
        ids = bureau(seed, 300).ids
        others = ids != 0
        with_it, without = (weigh(who, privacy.weighting, privacy.claims_per_person) for who in (ids, ids[others]))
        assert (with_it[others] == without).all()
        assert (with_it[others] != faults.shared_by_the_crowd(ids)[others]).any()
