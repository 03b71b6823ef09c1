"""Puts the page together: a strict content security policy, inline style and script, everything escaped."""

from __future__ import annotations

import json

from markupsafe import Markup

from common.features.spec import FeatureSpec
from common.plan import Phase, Protection
from common.schedule import n_words
from simulations.report import answers, cards, figures, formats, leaving, mix, palette, privacy, tiles
from simulations.report.centroid_map import centroid_map, project
from simulations.report.cost_strip import cost_strip
from simulations.report.heat_map import mix_picture
from simulations.report.masked_traffic import masked_traffic
from simulations.report.masking import masking_of
from simulations.report.naming import bureau_name
from simulations.report.page import environment, policy, source
from simulations.report.rounds_chart import rounds_chart
from simulations.report.texts import Catalogue, load_catalogue
from simulations.story import FLOOR, Story

PACKAGE = "simulations.report"


def render_report(story: Story) -> str:
    """The report as one HTML page that needs nothing else, in English and Chinese.

    Guarantees:
        * It loads nothing from anywhere, and its content security policy allows nothing but its own style and script.
        * All text that comes from data is escaped.
        * No count from 1 to 10 is in it, nor a figure from which one could be worked out.

    Args:
        story: Of a finished run.
    """
    texts = load_catalogue()
    style, script = source(PACKAGE, "style.css"), source(PACKAGE, "script.js")
    page = environment(PACKAGE, texts).get_template("page.html.j2")
    return page.render(
        story=story,
        result=story.result,
        style=Markup(style),  # noqa: S704  the report's own
        script=Markup(script),  # noqa: S704  the report's own
        policy=policy(style, script),
        **_headline(story),
        privacy=privacy.privacy_section(story, texts),
        masking=masking_of(story, texts),
        **_pictures(story, texts),
        **_traffic(story),
        **_provenance(story),
        cards=cards.cluster_cards(story, texts),
        families=palette.FAMILIES,
        category_name=palette.category_name,
        floor=FLOOR,
    )


def _headline(story: Story) -> dict[str, object]:
    return {
        "facts": tiles.facts(story.result),
        "tiles": tiles.tiles(story.result),
        "costs": tiles.costs(story.result),
        "unprotected": story.model.plan.protection is Protection.NONE,
        "cap": formats.yuan(story.model.plan.cost_cap_yuan),
        "has_reference": figures.number(story.result, "inertia_ratio") is not None,
        "has_truth": figures.number(story.result, "truth_ari") is not None,
    }


def _pictures(story: Story, texts: Catalogue) -> dict[str, object]:
    return {
        "map": centroid_map(story, texts),
        "map_share": formats.percent(project(story).share),
        "rounds_chart": rounds_chart(story, texts),
        "mix": mix_picture(mix.regional_mix(story, texts), texts),
        "mix_grouped": len(story.bureaus) > mix.MOST_COLUMNS,
        "strip": cost_strip(story, texts),
    }


def _traffic(story: Story) -> dict[str, object]:
    plan, k = story.model.plan, len(story.cards)
    return {
        "phases": leaving.phases(story),
        "round_rows": leaving.round_rows(story),
        "n_cells": len(story.cards) * len(story.bureaus),
        "lost": [bureau_name(bureau) for bureau in story.bureaus if bureau.lost],
        "kinds": leaving.kinds(plan.protection),
        "replies": leaving.replies(plan.protection),
        "summary_field": leaving.summary_field(plan.protection),
        "masked_traffic": masked_traffic(story),
        "parts": leaving.summary_parts(plan, k, with_costs=True),
        "words_down": formats.integer(k * plan.features.n_features),
        "words_up": formats.integer(n_words(plan, Phase.LLOYD, k)),
        "answers": answers.phase_blocks(story),
        "bureaus": leaving.bureau_rows(story),
        "rejected": leaving.rejected_rows(story),
        "small_cells": leaving.small_cells(story),
        "blocks": _blocks(plan.features),
    }


def _blocks(features: FeatureSpec) -> str:
    return ", ".join(str(getattr(block, "field", block.kind)) for block in features.blocks)


def _provenance(story: Story) -> dict[str, object]:
    shown = ("engine", "protection", "seed", "version", "centroids_sha256", "peak_rss_mb")
    return {
        "provenance": [(key, words) for key in shown if (words := figures.words(story.result, key))],
        "stages": figures.seconds(story.result),
        "command": figures.words(story.result, "command"),
        "plan": json.dumps(story.model.plan.model_dump(mode="json"), indent=2, ensure_ascii=False),
    }
