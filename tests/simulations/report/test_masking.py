"""What the page says of masks is what a masked run did, message by message; other runs have nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest

from common.masked_messages import Confirm, Invite, Masked, MaskedJoin, Ready, Reveal
from common.messages import Received
from common.plan import Phase, Protection
from common.wire import AnyMessage, encode
from simulations.report import render_report
from simulations.report.formats import size
from simulations.report.leaving import kinds
from simulations.report.masked_traffic import masked_traffic, shared_fields
from simulations.report.masking import Masking, lost_rounds, masking_of
from simulations.report.masking_picture import ANSWERS, BUREAUS, CLOCK, OWN, rows, sent, steps
from simulations.report.texts import load_catalogue
from simulations.story import Story
from tests.simulations.report.pages import Element, read_page
from tests.simulations.report.protected import N_BUREAUS, Run, protected_run, protected_story
from tests.simulations.report.stories import story_of

TEXTS = load_catalogue()
LANGUAGES = ("en", "zh")
FROM_BUREAUS = (MaskedJoin, Ready, Masked, Confirm, Reveal, Received)
UNMASKED = (story_of, lambda: protected_story(Protection.NOISE))
ONLY_SECURE = ("masking.title", "left.round_title", "answers.title_secure", "limits.identities", "exposed.review")


@cache
def secure() -> Run:
    return protected_run(Protection.SECURE)


class LateKeys:
    """Loses the keys of one bureau, whenever it sends them, from the third round on."""

    def __init__(self) -> None:
        self.contexts: list[bytes] = []
        self.bureau = ""

    def __call__(self, message: AnyMessage) -> bool:
        if not isinstance(message, Reveal):
            return False
        self.contexts += [] if message.context in self.contexts else [message.context]
        if len(self.contexts) == 3 and not self.bureau:
            self.bureau = message.bureau
        return message.bureau == self.bureau


@cache
def lossy() -> Run:
    return protected_run(Protection.SECURE, 4, LateKeys())


@cache
def page() -> Element:
    return read_page(render_report(secure().story))


def words(element: Element, language: str = "en") -> str:
    return " ".join(element.text(language).split())


def told(key: str, language: str, **values: str | int) -> str:
    """A text of the catalogue as a page shows it."""
    return words(read_page(TEXTS.pair(key, **values)), language)


def masking(story: Story) -> Masking:
    found = masking_of(story, TEXTS)
    assert found is not None
    return found


def test_the_example_of_the_picture_adds_up() -> None:
    for bureau in BUREAUS:
        figures = [int(row.figure.replace("−", "-")) for row in rows(bureau, TEXTS)]
        assert len(figures) == 2 + len(BUREAUS) - 1
        assert sum(figures) % CLOCK == sent(bureau) != ANSWERS[bureau]
    opened = (sum(map(sent, BUREAUS)) - sum(OWN.values())) % CLOCK
    assert opened == sum(ANSWERS.values()) == 49
    assert [figures for _, figures in steps(TEXTS)] == [
        "31 + 84 + 71 = 86",
        "33 + 90 + 14 = 37",
        "86 − 37 = 49 = 12 + 7 + 30",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_picture_tells_in_words_what_it_draws(language: str) -> None:
    drawn = page().one(id="privacy").all("svg", class_="masking")
    assert len(drawn) == 2
    for picture in drawn:
        shown = [words(text, language) for text in picture.all("text")]
        for bureau in BUREAUS:
            assert told("masking.bureau", language, name=bureau) in shown
            assert f"{sent(bureau)}" in shown
        description = words(picture.one("desc"), language)
        assert all(f"{figure}" in description for figure in (*ANSWERS.values(), *map(sent, BUREAUS), 86, 37, 49))


def test_each_shared_mask_is_drawn_in_one_colour_with_both_signs() -> None:
    signs: dict[str, list[str]] = {}
    for bureau in BUREAUS:
        for row in rows(bureau, TEXTS):
            signs.setdefault(row.mark, []).append(row.figure[0])
    assert {mark: sorted(held) for mark, held in signs.items() if mark.startswith("pair")} == {
        "pair-ab": ["+", "−"],
        "pair-ac": ["+", "−"],
        "pair-bc": ["+", "−"],
    }


@pytest.mark.parametrize("story", UNMASKED)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_run_without_masks_tells_nothing_of_them(story: Callable[[], Story], language: str) -> None:
    found = read_page(render_report(story()))
    assert masking_of(story(), TEXTS) is None
    assert masked_traffic(story()) is None
    assert not found.all("svg", class_="masking")
    assert not [key for key in ONLY_SECURE if told(key, language) in words(found.one("body"), language)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_masked_run_says_so_and_warns_of_no_missing_masks(language: str) -> None:
    shown = words(page().one("body"), language)
    assert [key for key in ONLY_SECURE if told(key, language) not in shown] == []
    assert not page().all(class_="caution")
    for gone in ("not masked", "does not mask", "not for real claims", "没有加掩码", "尚未加掩码", "不得用于真实"):
        assert gone not in shown


def test_only_without_masks_a_station_takes_questions_on_trust() -> None:
    probing = "whether its centroids follow"
    assert probing in words(read_page(render_report(story_of())).one(id="left"))
    assert probing not in words(page().one(id="left"))
    assert "works out for itself which question follows" in words(page().one(id="left"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_coordinator_learns_is_told_in_figures_of_the_run(language: str) -> None:
    found, section = masking(secure().story), words(page().one(id="privacy"), language)
    assert (found.n_bureaus, found.threshold, found.counted_on, found.colluding) == (N_BUREAUS, 3, 2, 1)
    assert (found.times, found.n_lost, found.n_opened) == ("1.5", 0, len(secure().story.rounds))
    assert told("masking.learns_sum", language, n=found.n_opened, threshold=3, bureaus=N_BUREAUS) in section
    assert told("masking.learns_noise", language, counted_on=2, bureaus=N_BUREAUS, times="1.5") in section
    assert told("masking.learns_alone", language, c=1, counted_on=2) in section


def test_the_sums_on_the_page_are_those_that_were_opened() -> None:
    opened = {message.opened for message in secure().transcript if isinstance(message, Invite)} - {b""}
    assert len(opened) + 1 == masking(secure().story).n_opened, "the last one goes out with the model"


def test_the_bytes_of_each_message_are_those_that_were_sent() -> None:
    found = masked_traffic(secure().story)
    assert found is not None
    bureau = secure().story.bureaus[0].name
    mine = [message for message in secure().transcript if isinstance(message, FROM_BUREAUS)]
    for row in (*found.rounds, *found.once):
        sizes = [len(encode(one)) for one in mine if one.kind == row.name and one.bureau == bureau]
        assert row.times == str(len(sizes))
        assert row.together == size(sum(sizes))
        assert row.each.split(" – ") == sorted({size(min(sizes)), size(max(sizes))}, key=len)[: len(set(sizes))]
    assert secure().story.bureaus[0].bytes_up == sum(len(encode(one)) for one in mine if one.bureau == bureau)


def test_every_message_of_a_bureau_is_listed_with_its_fields() -> None:
    listed = {kind.name: kind.fields for kind in kinds(Protection.SECURE)}
    for message in secure().transcript:
        if isinstance(message, FROM_BUREAUS):
            assert listed[message.kind] == tuple(sorted(type(message).model_fields))
    found = masked_traffic(secure().story)
    assert found is not None
    for row in (*found.rounds, *found.once):
        assert sorted((*row.fields, *shared_fields())) == sorted(listed[row.name])
    shown = page().one("table", class_="messages").all("code")
    assert [words(code) for code in shown] == [
        name for row in (*found.rounds, *found.once) for name in (row.name, *row.fields)
    ]


def test_only_the_masked_words_are_marked_as_made_from_claims() -> None:
    marked = page().one(id="left").all("tr", class_="marked")
    assert [words(row.one("code")) for row in marked] == ["words"]


def test_a_round_that_was_lost_is_told() -> None:
    run = lossy()
    assert len(run.story.model.provenance.lost) == 1
    assert lost_rounds(run.story.rounds) == 1
    found = masking(run.story)
    assert (found.n_lost, found.n_opened, found.n_bureaus, found.threshold) == (1, len(run.story.rounds) - 1, 3, 3)
    shown = read_page(render_report(run.story))
    assert "lost in this run: 1" in words(shown.one(id="privacy"))
    flagged = [row for row in shown.one(id="left").one("details").all("tr") if row.all(class_="weak")]
    assert [words(row.all("td")[0]) for row in flagged] == ["3"]


def test_a_radius_round_that_is_asked_again_was_lost() -> None:
    rounds = list(secure().story.rounds)
    place = next(place for place, one in enumerate(rounds) if one.phase is Phase.RADIUS)
    assert lost_rounds(rounds) == 0
    assert lost_rounds([*rounds[: place + 1], *rounds[place:]]) == 1
    assert lost_rounds([*rounds[:-1], replace(rounds[-1], inertia=None)]) == 1
