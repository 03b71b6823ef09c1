"""A decision on a page: the sentences, the picture, and what a reviewer wants to see. It loads nothing."""

from __future__ import annotations

from markupsafe import Markup

from client.router.deciding.explain import Explanation, explain
from client.router.deciding.facts import facts
from client.router.deciding.model import RoutingModel
from client.router.deciding.picture import ABOUT, PARTS_TITLE, TITLE, cluster_picture, parts_picture
from client.router.deciding.policy import Language, RouterPolicy
from client.router.deciding.record import DecisionRecord
from client.router.deciding.wording import LANE_NAMES, Words

STYLE = (
    "body{font:16px/1.6 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "svg{width:100%;height:auto;font:12px system-ui,sans-serif}svg text:not([fill]){fill:#222}"
    "table{border-collapse:collapse;font-size:.85rem;width:100%}"
    "td{border-top:1px solid #ddd;padding:.25rem .5rem;overflow-wrap:anywhere;vertical-align:top}"
    "td:first-child{white-space:nowrap;color:#555}.lane{font-weight:600}.object{background:#f3f6f9;padding:.8rem 1rem}"
)

HEADING = Words("关于这份结算单的决定", "The decision about this claim")
DETAILS = Words("决定的依据", "What the decision was made from")


def decision_page(record: DecisionRecord, policy: RouterPolicy, model: RoutingModel, language: Language) -> str:
    """The page, HTML."""
    told = explain(record, policy, language, model.block_names)
    return Markup(
        '<!doctype html>\n<html lang="{lang}"><head><meta charset="utf-8"><title>{heading}</title>'
        '<meta name="viewport" content="width=device-width"><style>{style}</style></head><body>'
        "<h1>{heading}</h1>{sentences}<h2>{where}</h2><p>{about}</p>{picture}<h2>{parts}</h2>{bars}"
        "<h2>{details}</h2><table>{lines}</table></body></html>\n"
    ).format(
        lang="zh-CN" if language == "zh" else "en",
        heading=HEADING.of(language),
        style=Markup(STYLE),  # noqa: S704  a constant
        sentences=_sentences(told),
        where=TITLE.of(language),
        about=ABOUT.of(language),
        picture=cluster_picture(record, model, language),
        parts=PARTS_TITLE.of(language),
        bars=parts_picture(record, model, language),
        details=DETAILS.of(language),
        lines=_lines(record, language),
    )


def _sentences(told: Explanation) -> Markup:
    reasons = Markup("").join(Markup("<li>{}</li>").format(reason) for reason in told.reasons)
    remarks = Markup("").join(Markup("<p>{}</p>").format(one) for one in told.remarks())
    return Markup('<p class="lane">{} - {}</p><ul>{}</ul><p>{}</p>{}<p class="object">{}</p>').format(
        LANE_NAMES[told.lane].of(told.language), told.outcome, reasons, told.number, remarks, told.objection
    )


def _lines(record: DecisionRecord, language: Language) -> Markup:
    return Markup("").join(
        Markup("<tr><td>{}</td><td>{}</td></tr>").format(name, value) for name, value in facts(record, language)
    )
