"""What a stream costs whoever is protected, in words: English and Chinese."""

from __future__ import annotations

from typing import Any

from common.accounting.guarantee import Unit
from common.plan import Plan

_PARALLEL = (
    "A bureau enters a claim into one window alone, so the whole stream costs a claim what its one window costs "
    "(parallel composition): epsilon {epsilon} at delta {delta}. Where a bureau's own policy lets changed claims enter "
    "once more, each time is charged to that claim by its odometer, which is not sent."
)
_BY_PERSON = (
    "A window costs a person with a claim in it epsilon {epsilon} at delta {delta}; what a person's windows add up to "
    "is held to each bureau's own limit by its own odometer, which is not sent."
)
_PARALLEL_ZH = (
    "每条结算记录只进入一个窗口，因此整个数据流对一条记录的隐私消耗等于一个窗口的消耗（并行组合）："
    "epsilon {epsilon}，delta {delta}。若机构自身的策略允许修改后的记录再次进入，"
    "每次均由该机构的里程计计入该记录，该数值不外传。"
)
_BY_PERSON_ZH = (
    "参保人的记录每进入一个窗口，消耗 epsilon {epsilon}（delta {delta}）；"
    "各机构以自己的里程计将累计消耗限制在本机构的上限之内，"
    "该数值不外传。"
)


def budget_told(plan: Plan) -> dict[str, Any] | None:
    """What the stream costs whoever is protected, and why it is no more."""
    if plan.privacy is None:
        return None
    guarantee = plan.privacy.guarantee
    of_claims = guarantee.unit is Unit.CLAIM
    english, chinese = (_PARALLEL, _PARALLEL_ZH) if of_claims else (_BY_PERSON, _BY_PERSON_ZH)
    figures = {"epsilon": f"{guarantee.epsilon:g}", "delta": f"{guarantee.delta:g}"}
    return {
        "unit": str(guarantee.unit),
        "epsilon": guarantee.epsilon,
        "delta": guarantee.delta,
        "en": english.format(**figures),
        "zh": chinese.format(**figures),
    }
