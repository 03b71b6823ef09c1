"""What a person sees of a stream on a terminal: a few figures, and its story in a few lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import Group
from rich.table import Table
from rich.text import Text as Line

from simulations.report.texts import load_catalogue
from simulations.stream.causes import all_alarms, causes
from simulations.stream.figures import CHANGES, figures_of
from simulations.stream.result import TEXTS, result_of
from simulations.stream.saying import clock, kinds_of_claims, said
from simulations.stream.story import StreamStory

__all__ = ["result_of", "story_lines", "stream_table"]

MOST_LINES = 25

Told = tuple[float, int, str]
"""Second, how much it matters (the less the more), and the line."""


def stream_table(story: StreamStory) -> Group:
    """The figures and the story.

    Guarantees:
        * The story has at most ``MOST_LINES`` lines, in order of time, and says how many alarms it leaves out; what
          happened in the world, and the alarms that told of it first, are left out last.
    """
    table = Table(title="fedclaims: a stream, no pooled claims", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column(style="dim")
    for name, value, meaning in _rows(story):
        table.add_row(name, value, meaning)
    return Group(table, *(Line(line) for line in story_lines(story)))


def story_lines(story: StreamStory) -> list[str]:
    """What happened in the world and what was told, in order of time."""
    found = sorted([*_happened(story), *_alarmed(story)])
    if len(found) <= MOST_LINES:
        return [line for _, _, line in found]
    shown = sorted(sorted(found, key=lambda one: (one[1], one[0]))[: MOST_LINES - 1])
    return [*(line for _, _, line in shown), f"... and {len(found) - len(shown)} more: result.json"]


def _happened(story: StreamStory) -> Iterator[Told]:
    texts, names = load_catalogue(TEXTS), kinds_of_claims()
    for place, one in enumerate(story.happenings):
        second = story.opens + 3600 * one.begins
        yield second, 0, f"{clock(second)}  world  {place + 1}. {said(one, story.bureaus, names, texts).en}"


def _alarmed(story: StreamStory) -> Iterator[Told]:
    known = causes(story)
    for place, (tick, alarm) in enumerate(all_alarms(story)):
        because = known.get(place, [])
        after = "".join(f" [{minutes:.0f} min after {one + 1}.]" for one, minutes in because)
        matters = 1 if because else 3 if alarm.kind in CHANGES else 2
        yield tick.closes, matters, f"{clock(tick.closes)}  alarm  {alarm.sentence()}{after}"


def _rows(story: StreamStory) -> Iterator[tuple[str, str, str]]:
    found = figures_of(story)
    kept, kinds = _inner(found, "kept"), _inner(found, "alarms_by_kind")
    why = ", ".join(f"{reason} {number}" for reason, number in kept.items())
    yield "windows", f"{found['windows']}", f"{story.every_s} s each, {found['claims']:,} claims"
    yield "published", f"{found['published']}", f"old model kept: {why}" if why else "every one"
    ratio, frozen = _inner(found, "ratio"), _inner(found, "frozen")
    yield (
        "inertia ratio",
        _figure(ratio["mean"]),
        f"mean, 95% below {_figure(ratio['p95'])}; scikit-learn on the pooled claims of each window is 1",
    )
    yield "first model, frozen", _figure(frozen["mean"]), f"mean, 95% below {_figure(frozen['p95'])}"
    yield "RIV of log cost", _figure(found["riv_log_cost"]), "mean over windows"
    changes = ", ".join(f"{kind} {kinds[kind.name.lower()]}" for kind in CHANGES)
    yield "clusters", f"{found['clusters']}", f"{found['quarantined']} in quarantine; {changes}"
    minutes = _inner(found, "minutes_to_alarm")
    yield (
        "told of",
        f"{found['happenings_told']} of {found['happenings_to_tell']}",
        f"happenings, median {_figure(minutes['median'], 0)} minutes; {found['alarms']} alarms",
    )
    yield from _privacy(story)
    yield "seconds", "", ", ".join(f"{name} {value:.1f}" for name, value in story.seconds.items())


def _privacy(story: StreamStory) -> Iterator[tuple[str, str, str]]:
    if story.plan.privacy is None or not story.spending:
        return
    given, spent = story.plan.privacy.guarantee, story.spending[-1]
    yield (
        "privacy",
        f"epsilon {spent.epsilon:.4f}",
        f"most that a {given.unit} was charged, delta {given.delta:g}; a year allows {spent.limit:g}",
    )
    out = ", ".join(f"{reason} {number:,}" for reason, number in spent.left_out.items() if number)
    yield (
        "claims entered",
        f"{spent.entered:,}",
        f"left out of the newest window: {out}" if out else "none left out of the newest window",
    )


def _inner(found: Mapping[str, object], key: str) -> dict[str, float | None]:
    held = found[key]
    return dict(held) if isinstance(held, Mapping) else {}


def _figure(value: object, digits: int = 3) -> str:
    return f"{value:.{digits}f}" if isinstance(value, int | float) else "-"
