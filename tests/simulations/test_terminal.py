"""What a person sees: a moving bar on a terminal, plain lines elsewhere, and the result in a few lines."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from common.plan import Phase
from server.session import RoundReport
from simulations.job import STAGES
from simulations.story import Story
from simulations.terminal import STAGES as TITLES
from simulations.terminal import Bars, Lines, notes, result_table
from tests.simulations.claim_files import arguments, generated, parquet_file, story_of


def closed(number: int, phase: Phase = Phase.LLOYD) -> RoundReport:
    return RoundReport(number=number, phase=phase, n_centroids=8, bytes_down=1, bytes_up=1, inertia=1234.5, cost=0)


def written(*, terminal: bool) -> str:
    """What a short job shows."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=120, color_system=None)
    shown = Bars(console) if terminal else Lines(console)
    with shown.shown() as progress:
        for name in STAGES:
            progress.stage(name)
        for so_far in (10, 15, 20, 30, 45):
            progress.claims(so_far)
        for number in range(1, 24):
            progress.round(closed(number))
        progress.round(closed(24, Phase.MEASURE))
    return file.getvalue()


def test_every_stage_has_a_title() -> None:
    assert tuple(TITLES) != ()
    assert set(TITLES) == set(STAGES)


def test_plain_lines_hold_no_control_characters_and_stay_few() -> None:
    text = written(terminal=False)
    assert not [character for character in text if not character.isprintable() and character != "\n"]
    assert text.splitlines() == [
        *(TITLES[name] for name in STAGES),
        "  10 claims",
        "  20 claims",
        "  45 claims",
        "  round 1: lloyd, 8 centroids, inertia 1,234.5",
        "  round 11: lloyd, 8 centroids, inertia 1,234.5",
        "  round 21: lloyd, 8 centroids, inertia 1,234.5",
        "  round 24: measure, 8 centroids, inertia 1,234.5",
    ]


def test_a_terminal_gets_a_bar_for_each_stage() -> None:
    text = written(terminal=True)
    assert "\x1b[" in text, "the cursor moves"
    assert "━" in text
    assert all(title in text for title in TITLES.values())
    assert text.rstrip().endswith("\x1b[?25h") or "\x1b[?25h" in text, "the cursor is shown again"


def test_a_terminal_is_put_right_again_when_the_job_fails() -> None:
    file = io.StringIO()
    bars = Bars(Console(file=file, force_terminal=True, width=120))
    with pytest.raises(KeyboardInterrupt), bars.shown():
        raise KeyboardInterrupt
    assert "\x1b[?25h" in file.getvalue()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    path = parquet_file(tmp_path_factory.mktemp("claims") / "claims.parquet", generated()[:300])
    return story_of(arguments(path, bureaus=2))


def shown(story: Story) -> str:
    file = io.StringIO()
    Console(file=file, width=140).print(result_table(story))
    return file.getvalue()


def test_the_table_holds_the_result(story: Story) -> None:
    text = shown(story)
    for part in ("over loopback, protection none", "300", "94 features", story.model.centroids_sha256[:16]):
        assert part in text
    assert "inertia ratio" in text


def test_figures_that_are_not_known_are_dashes(story: Story) -> None:
    (line,) = [line for line in shown(story).splitlines() if "inertia ratio" in line]
    assert " - " in line
    assert "known groups" in shown(story)
    unknown = replace(story, result=story.result | {"truth_ari": None})
    assert "known groups" not in shown(unknown)


def test_fewer_than_three_bureaus_are_said_to_be_few(story: Story) -> None:
    (note,) = notes(story)
    assert "bureaus: 2, below the 3 that a real bureau's policy asks for" in note
    assert "limit to 2" in note
    assert list(notes(replace(story, bureaus=story.bureaus + story.bureaus[:1]))) == []


def test_bureaus_that_were_lost_are_named(story: Story) -> None:
    lost = [replace(bureau, lost=True) for bureau in story.bureaus]
    (note,) = notes(replace(story, bureaus=(*story.bureaus, *lost)))
    assert note == "without 2 bureaus, whose claims are not in the model: " + ", ".join(one.name for one in lost)


def test_file_names_and_bureaus_are_shown_as_they_are(tmp_path: Path, story: Story) -> None:
    """Square brackets are markup to the console, and a bureau may be called anything."""
    odd = replace(story, bureaus=(replace(story.bureaus[0], name="[red]x", lost=True),) * 3)
    assert "[red]x" in " ".join(notes(odd))
    assert tmp_path.is_dir()
