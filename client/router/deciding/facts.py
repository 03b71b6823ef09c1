"""What a decision was made from, as named lines in one language: the table of the page, and the end of ``explain``.

Codes, digests and identities stand as they are; all other words are of the language.
"""

from __future__ import annotations

from collections.abc import Iterable

from client.router.deciding.ancestry import lineage_words
from client.router.deciding.distance import SQUARE_UNITS
from client.router.deciding.policy import Language
from client.router.deciding.record import DecisionRecord
from client.router.deciding.scoring import MILLION, PARTS
from client.router.deciding.wording import LANE_NAMES, REASON_NAMES, TAG_NAMES, Words
from client.router.rules.finding import Finding, in_english
from client.router.rules.table import text_of

NAMES: dict[str, Words] = {
    "decision": Words("决定编号", "decision"),
    "claim": Words("结算单编号", "claim"),
    "lane": Words("通道", "lane"),
    "reasons": Words("理由", "reasons"),
    "cluster": Words("最相近的类别", "cluster"),
    "second": Words("其次的类别", "second"),
    "score": Words("评分", "score"),
    "findings": Words("规则发现", "findings"),
    "tags": Words("标记", "tags"),
    "region": Words("参保地", "region"),
    "model": Words("模型", "model"),
    "policy": Words("策略", "policy"),
    "features": Words("特征规范", "features"),
    "calibration": Words("校准", "calibration"),
    "cards": Words("类别卡片", "cards"),
    "habits": Words("本地惯例", "habits"),
    "lineage": Words("类别沿革", "lineage"),
}
"""What the lines are called, in their order."""

PART_NAMES: dict[str, Words] = dict(
    zip(
        PARTS,
        (
            Words("费用", "cost"),
            Words("住院天数", "stay"),
            Words("费用构成", "fees"),
            Words("罕见程度", "rarity"),
            Words("距离", "distance"),
        ),
        strict=True,
    )
)
VERSION = Words("第{number}版，{sha256}", "version {number}, {sha256}")
SQUARE = Words("{number}号（距离平方{square:.6f}）", "{number} (squared distance {square:.6f})")
NONE = Words("无", "none")

SUMMED = ("decision", "lane", "reasons", "findings", "tags", "model", "lineage")
REPLAYED = Words("重新计算", "replayed")
THE_SAME = Words("逐字节相同", "the same, byte for byte")


def facts(record: DecisionRecord, language: Language) -> tuple[tuple[str, str], ...]:
    """Names and values."""
    none = NONE.of(language)
    held = {
        "decision": record.decision_id,
        "claim": record.claim_key,
        "lane": LANE_NAMES[record.lane].of(language),
        "reasons": _row((REASON_NAMES[one].of(language) for one in record.reasons), language),
        "cluster": _square(record.cluster, record.square_distance, language),
        "second": _square(record.second, record.second_square_distance, language),
        "score": _score(record, language),
        "findings": _row((finding_words(found, language) for found in record.findings), language) or none,
        "tags": _row((TAG_NAMES[tag].of(language) for tag in record.tags), language) or none,
        "region": record.region or none,
        "model": VERSION.of(language).format(number=record.model_version, sha256=record.model_sha256),
        "policy": record.policy_sha256,
        "features": record.features_sha256,
        "calibration": record.calibration_sha256 or none,
        "cards": _cards(record, language),
        "habits": record.habits_sha256 or none,
        "lineage": _row(lineage_words(record.lineage, language), language) or none,
    }
    return tuple((NAMES[name].of(language), value) for name, value in held.items())


def summary(record: DecisionRecord, language: Language) -> str:
    """The lines below an explanation, of a decision that was decided again and got the same record."""
    held = dict(facts(record, language))
    names = [NAMES[name].of(language) for name in SUMMED]
    colon = "：" if language == "zh" else ": "
    lines = [*((name, held[name]) for name in names), (REPLAYED.of(language), THE_SAME.of(language))]
    return "\n".join(f"{name}{colon}{value}" for name, value in lines)


def finding_words(found: Finding, language: Language) -> str:
    """A finding by its rule, its severity and its kind."""
    held = found.model_dump(mode="json") if language == "zh" else in_english(text_of(found.rule_id))
    named = _row((held["sev_deg"], held["vola_bhvr_type"]), language)
    return f"{found.rule_id} {held['rule_name']}" + (f"（{named}）" if language == "zh" else f" ({named})")


def _cards(record: DecisionRecord, language: Language) -> str:
    if record.cards_version is None:
        return record.cards_sha256
    return VERSION.of(language).format(number=record.cards_version, sha256=record.cards_sha256)


def _square(cluster: int | None, square: int | None, language: Language) -> str:
    if cluster is None or square is None:
        return NONE.of(language)
    return SQUARE.of(language).format(number=cluster, square=square / SQUARE_UNITS)


def _score(record: DecisionRecord, language: Language) -> str:
    parts = zip(PARTS, record.strangeness, strict=True)
    told = _row((f"{PART_NAMES[name].of(language)} {part / MILLION:.3f}" for name, part in parts), language)
    return f"{record.score:.6f}（{told}）" if language == "zh" else f"{record.score:.6f} ({told})"


def _row(words: Iterable[str], language: Language) -> str:
    return ("、" if language == "zh" else ", ").join(words)
