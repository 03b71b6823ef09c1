"""What a terminal shows of a stream."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

from rich.console import Console

from common.stream.alarms import Alarm, AlarmKind
from simulations.stream.table import MOST_LINES, story_lines, stream_table
from tests.simulations.stream.stories import EVENTS, HAPPENINGS, TOLD, empty, story, without_model


def shown(made: object) -> str:
    out = StringIO()
    Console(file=out, width=200).print(made)
    return out.getvalue()


def test_the_table_shows_the_figures_of_the_stream() -> None:
    held = shown(stream_table(story()))
    for told in ("72", "547,200 claims", "cohort 1, lost 1, pooled 2", "1.026", "4 of 5", "epsilon 1.0000", "late 864"):
        assert told in held, told


def test_a_short_story_is_told_whole_and_in_order() -> None:
    lines = story_lines(story())
    assert len(lines) == len(HAPPENINGS) + len(EVENTS) + len(TOLD)
    assert [line[:11] for line in lines] == sorted(line[:11] for line in lines)
    assert "[45 min after 1.]" in next(line for line in lines if "category 36" in line)


def test_a_long_story_leaves_out_alarms_that_told_of_nothing_and_says_so() -> None:
    busy = tuple(
        replace(tick, alarms=(*tick.alarms, Alarm(window=tick.number, kind=AlarmKind.BIRTH, identity=99)))
        for tick in story().ticks
    )
    lines = story_lines(replace(story(), ticks=busy))
    whole = len(story_lines(story())) + len(busy)
    assert len(lines) == MOST_LINES
    assert lines[-1] == f"... and {whole - MOST_LINES + 1} more: result.json"
    assert sum("  world  " in line for line in lines) == len(HAPPENINGS)
    assert sum(" min after " in line for line in lines) == 4


def test_a_stream_without_windows_or_models_has_a_table() -> None:
    assert "windows" in shown(stream_table(empty()))
    assert "pooled 5" in shown(stream_table(without_model()))
