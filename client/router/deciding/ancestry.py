"""A cluster's lineage in words: what its names and the spelled happenings of a record mean, in both languages."""

from __future__ import annotations

from client.router.deciding.policy import Language
from client.router.deciding.wording import Words

HAPPENED: dict[str, Words] = {
    "seeded": Words(
        "第{window}个窗口首次划分类别时产生", "found when clusters were first looked for, in window {window}"
    ),
    "birth": Words("第{window}个窗口新出现", "new in window {window}"),
    "born": Words("第{window}个窗口起存在", "there since window {window}"),
    "confirmed": Words("第{window}个窗口得到证实", "confirmed in window {window}"),
    "merge": Words("第{window}个窗口与第{others}号类别合并", "merged with cluster {others} in window {window}"),
    "split": Words("第{window}个窗口由第{others}号类别分出", "split from cluster {others} in window {window}"),
    "death": Words("第{window}个窗口消失", "ended in window {window}"),
}
"""By the first word of what a lineage says."""


def lineage_words(lineage: tuple[str, ...], language: Language) -> tuple[str, ...]:
    """A lineage for people; names stay as they are."""
    return tuple(_spoken(one, language) for one in lineage)


def _spoken(said: str, language: Language) -> str:
    change, *numbers = said.split(" ")
    if change not in HAPPENED or not numbers:
        return said
    joined = ("、" if language == "zh" else ", ").join(numbers[1:])
    return HAPPENED[change].of(language).format(window=numbers[0], others=joined)
