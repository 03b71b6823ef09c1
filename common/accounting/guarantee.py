"""A guarantee of differential privacy, complete: never a pair of numbers without whom it protects and in what."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from enum import StrEnum

LARGEST_EPSILON = 100.0
"""Above it a figure protects nobody, and is refused as a slip."""


class Unit(StrEnum):
    """What is added or removed between neighbouring data: whom the guarantee protects."""

    PERSON = "person"
    CLAIM = "claim"


class Neighbouring(StrEnum):
    """How neighbouring data differ. There is one relation, and it is spelled out wherever a figure stands."""

    ADD_OR_REMOVE_ONE = "add_or_remove_one"


class Scope(StrEnum):
    """What is released under the guarantee, taken together."""

    RUN = "run"
    YEAR = "year"


class Language(StrEnum):
    """Languages in which people are addressed."""

    ENGLISH = "en"
    CHINESE = "zh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarantee:
    """(epsilon, delta)-differential privacy of all releases in a scope, for one unit.

    Attributes:
        epsilon: From 0 to 100.
        delta: Above 0, below 1.
        unit: Whom it protects.
        neighbouring: How neighbouring data differ.
        scope: What is taken together.
    """

    epsilon: float
    delta: float
    unit: Unit
    neighbouring: Neighbouring = Neighbouring.ADD_OR_REMOVE_ONE
    scope: Scope = Scope.RUN

    def __post_init__(self) -> None:
        """Refuse figures that guarantee nothing.

        Raises:
            ValueError: If epsilon is not within 0 and 100, or delta not strictly between 0 and 1.
        """
        if not (0.0 <= self.epsilon <= LARGEST_EPSILON and 0.0 < self.delta < 1.0):
            msg = f"epsilon {self.epsilon:g} and delta {self.delta:g} guarantee nothing"
            raise ValueError(msg)

    def sentence(self, language: Language) -> str:
        """The guarantee in one sentence, for people who will be asked to sign it; figures are rounded upwards."""
        return _SENTENCES[language].format(
            unit=_UNITS[language][self.unit],
            one=_ONES[language][self.unit],
            scope=_SCOPES[language][self.scope],
            factor=rounded_up(math.exp(self.epsilon)),
            epsilon=rounded_up(self.epsilon),
            delta=rounded_up(self.delta),
        )


def rounded_up(value: float) -> str:
    """A figure of four digits that is never below ``value``; round figures stay as they are.

    >>> rounded_up(2.7182818), rounded_up(0.1), rounded_up(1e-06), rounded_up(0.99999)
    ('2.719', '0.1', '1e-06', '1')
    """
    return f"{float(Context(prec=4, rounding=ROUND_CEILING).plus(Decimal(repr(value)))):g}"


_SENTENCES = {
    Language.ENGLISH: (
        "Whether or not {unit} take part, the probability of every possible outcome of {scope} differs by at most a "
        "factor of {factor} (epsilon {epsilon}) and an added {delta} (delta). The comparison is between data with "
        "and without {one}; no benefit of sampling is claimed."
    ),
    Language.CHINESE: (
        "无论{unit}是否参与，{scope}出现任一结果的概率相差至多 {factor} 倍（epsilon = {epsilon}），"
        "另加 {delta}（delta）；比较的是增加或删除{one}的两份数据，不计入任何抽样带来的额外保护。"
    ),
}
_UNITS = {
    Language.ENGLISH: {Unit.PERSON: "all claims of one insured person", Unit.CLAIM: "the data of one claim"},
    Language.CHINESE: {Unit.PERSON: "任何一位参保人的全部结算记录", Unit.CLAIM: "任何一条结算记录"},
}
_ONES = {
    Language.ENGLISH: {Unit.PERSON: "one insured person", Unit.CLAIM: "one claim"},
    Language.CHINESE: {Unit.PERSON: "一位参保人", Unit.CLAIM: "一条结算记录"},
}
_SCOPES = {
    Language.ENGLISH: {Scope.RUN: "this run", Scope.YEAR: "all releases of a year together"},
    Language.CHINESE: {Scope.RUN: "本次运行", Scope.YEAR: "一年内的全部发布合计"},
}
