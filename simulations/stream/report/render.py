"""Puts the page on a stream together."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from markupsafe import Markup

from simulations.report import figures, formats
from simulations.report.page import environment, policy, source
from simulations.report.texts import Catalogue, load_catalogue
from simulations.stream.kept import kept
from simulations.stream.report import tables
from simulations.stream.report.budget_chart import budget_chart
from simulations.stream.report.bureau_strip import bureau_strip
from simulations.stream.report.quality_chart import quality_chart
from simulations.stream.report.tiles import inner, tiles
from simulations.stream.report.timeline import timeline
from simulations.stream.result import TEXTS, result_of
from simulations.stream.story import StreamStory

HOUSE = "simulations.report"
"""Whose style and script it shares."""


def render_stream(story: StreamStory) -> str:
    """The story of a stream as one HTML page that needs nothing else, in English and Chinese.

    Guarantees:
        * It loads nothing from anywhere, and its content security policy allows nothing but its own style and script.
        * All text that comes from data is escaped.
        * The same story gives the same page, byte by byte, and its figures are those of ``result_of``.

    Args:
        story: Of a finished stream.
    """
    texts, result = load_catalogue(TEXTS), result_of(story)
    style = source(HOUSE, "style.css") + source(TEXTS, "stream.css")
    script = source(HOUSE, "script.js")
    return environment(TEXTS, texts).get_template("page.html.j2").render(
        story=story,
        result=result,
        style=Markup(style),  # noqa: S704  the report's own
        script=Markup(script),  # noqa: S704  the report's own
        policy=policy(style, script),
        tiles=tiles(result, texts),
        **_headline(story, result),
        **_pictures(story, texts),
        **_tables(story, texts),
        **_provenance(story, result),
    )  # fmt: skip


def _headline(story: StreamStory, result: dict[str, object]) -> dict[str, object]:
    found = inner(result, "figures")
    return {
        "facts": [
            ("n_bureaus", formats.integer(len(story.bureaus))),
            ("n_claims", formats.integer(figures.number(found, "claims"))),
            ("n_windows", formats.integer(len(story.ticks))),
            ("every", formats.integer(story.every_s)),
        ],
        "opens": f"{datetime.fromtimestamp(story.opens, UTC):%Y-%m-%d %H:%M}",
        "unit": str(result["unit"]),
        "epsilon": formats.decimal(figures.number(result, "epsilon_of_window"), 2),
    }


def _pictures(story: StreamStory, texts: Catalogue) -> dict[str, object]:
    return {
        "timeline": timeline(story, texts),
        "fit": quality_chart(story, texts),
        "burn": budget_chart(story, texts),
        "answered": bureau_strip(story, texts),
    }


def _tables(story: StreamStory, texts: Catalogue) -> dict[str, object]:
    return {
        "happenings": tables.happening_rows(story, texts),
        "alarms": tables.alarm_rows(story),
        "clusters": tables.cluster_rows(story),
        "windows": tables.window_rows(story),
        "step": tables.step_of(story),
        "legend": list(tables.legend()),
        "reasons": list(dict.fromkeys(str(found) for tick in story.ticks if (found := kept(tick.kept_because)))),
        "spending": story.spending[-1] if story.spending else None,
    }


def _provenance(story: StreamStory, result: dict[str, object]) -> dict[str, object]:
    return {
        "provenance": [(key, str(result[key])) for key in ("protection", "seed", "schema")],
        "fingerprint": story.plan.fingerprint,
        "stages": story.seconds,
        "command": story.command,
        "plan": json.dumps(story.plan.model_dump(mode="json"), indent=2, ensure_ascii=False),
    }
