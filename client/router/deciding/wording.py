"""What insured people read: each sentence in Chinese and English. No sentence holds a code, a name or a provider."""

from __future__ import annotations

from typing import NamedTuple

from client.router.deciding.lanes import Lane, Reason
from client.router.deciding.policy import Language
from client.router.deciding.scoring import PARTS
from client.router.rules.tags import TAGS, Tag


class Words(NamedTuple):
    """A text in both languages."""

    zh: str
    en: str

    def of(self, language: Language) -> str:
        """In one of them."""
        return self.zh if language == "zh" else self.en


LANE_NAMES: dict[Lane, Words] = {
    Lane.FAST: Words("快速通道", "FAST"),
    Lane.REVIEW: Words("复核", "REVIEW"),
    Lane.HUMAN: Words("人工", "HUMAN"),
    Lane.HOLD: Words("暂缓支付", "HOLD"),
}
"""What a lane is called."""

LANES: dict[Lane, Words] = {
    Lane.FAST: Words(
        "这份结算单被认为是常规单据，按普通流程办理；是否支付仍由医保经办机构决定。",
        "This claim was found to be routine and takes the ordinary way; approval stays with the bureau.",
    ),
    Lane.REVIEW: Words(
        "这份结算单将由审核人员仔细查看，由审核人员作出决定；它没有被拒绝。",
        "A reviewer looks at this claim closely and decides; it has not been rejected.",
    ),
    Lane.HUMAN: Words(
        "这份结算单由工作人员人工处理并作出决定；它没有被拒绝。",
        "A person handles this claim and decides; it has not been rejected.",
    ),
    Lane.HOLD: Words(
        "这份结算单在支付前暂停，由审核人员核实并作出决定；它没有被拒绝。",
        "This claim is held before payment until a reviewer has checked it and decides; it has not been rejected.",
    ),
}

REASONS: dict[Reason, Words] = {
    Reason.REFUSED_AUTOMATION: Words(
        "参保人拒绝仅由自动化方式作出决定。", "The insured person refused decisions made by automation alone."
    ),
    Reason.HARD_RULE: Words("有一条规则要求在支付前核实。", "A rule asks for a check before payment."),
    Reason.HELD_CLUSTER: Words(
        "同类结算单正在逐一核实。", "Claims of this kind are being checked one by one before payment."
    ),
    Reason.FINDING: Words("有规则指出需要查看之处。", "A rule points at something to look at."),
    Reason.REVIEWED_CLUSTER: Words("这一类结算单按规定一律审核。", "All claims of this kind are reviewed."),
    Reason.UNCONFIRMED_CLUSTER: Words(
        "这一类结算单是新出现的，还没有在足够多的地区得到证实，在此之前由人工处理。",
        "Claims of this kind are new and not yet confirmed by enough bureaus; until then a person handles them.",
    ),
    Reason.HIGH_RISK_CLUSTER: Words(
        "在已审核的同类结算单中，不当单据较多。", "Among the reviewed claims of this kind many were improper."
    ),
    Reason.PROVIDER_CONCENTRATION: Words(
        "近期同类结算单大多来自同一家医疗机构。", "Most recent claims of this kind come from one provider."
    ),
    Reason.EXPIRED_MODEL: Words("所用的模型已过有效期。", "The model in use has expired."),
    Reason.CLOCK_BEHIND: Words(
        "系统时钟早于此前的决定，在核实之前由人工处理。",
        "The system's clock is behind earlier decisions; until that is looked into, claims go to a person.",
    ),
    Reason.QUARANTINED_CLUSTER: Words(
        "这一类结算单暂时一律由人工处理。", "For now all claims of this kind go to a person."
    ),
    Reason.UNCOUNTED_PROVIDERS: Words(
        "近期同类结算单还不够多，无法判断是否集中于少数医疗机构。",
        "Too few recent claims of this kind to say whether most of them come from few providers.",
    ),
    Reason.UNSUPPORTED_CLUSTER: Words(
        "已审核的同类结算单还不够多。", "Too few claims of this kind have been reviewed yet."
    ),
    Reason.NOVEL: Words("这份结算单与已知的类别都不相近。", "The claim is unlike any known kind."),
    Reason.NOT_CALIBRATED: Words(
        "人工审核的结果还不够多，无法判断可信程度。", "Too few reviewed claims yet to say how sure a judgement is."
    ),
    Reason.LOW_CONFIDENCE: Words(
        "判断的可信程度低于医保经办机构的要求。", "The judgement is less sure than the bureau asks for."
    ),
    Reason.OUTSIDE_FAST_SHARE: Words(
        "本地只有最常规的一部分结算单走普通流程，这份不在其中。",
        "Only the most routine part of the claims takes the ordinary way here, and this one is not among them.",
    ),
    Reason.SPOT_CHECK: Words(
        "这份结算单被随机抽中复查，与其内容无关。", "The claim was drawn by lot for a check, whatever is in it."
    ),
    Reason.ROUTINE: Words("没有规则指出需要查看之处。", "No rule points at anything to look at."),
}

REASON_NAMES: dict[Reason, Words] = {
    Reason.REFUSED_AUTOMATION: Words("拒绝自动化决定", "refused automation"),
    Reason.HARD_RULE: Words("命中暂缓规则", "hard rule"),
    Reason.HELD_CLUSTER: Words("类别暂缓支付", "held cluster"),
    Reason.FINDING: Words("命中规则", "finding"),
    Reason.REVIEWED_CLUSTER: Words("类别一律复核", "reviewed cluster"),
    Reason.UNCONFIRMED_CLUSTER: Words("类别尚未证实", "unconfirmed cluster"),
    Reason.HIGH_RISK_CLUSTER: Words("高风险类别", "high-risk cluster"),
    Reason.PROVIDER_CONCENTRATION: Words("机构集中", "provider concentration"),
    Reason.EXPIRED_MODEL: Words("模型过期", "expired model"),
    Reason.CLOCK_BEHIND: Words("时钟落后", "clock behind"),
    Reason.QUARANTINED_CLUSTER: Words("类别隔离", "quarantined cluster"),
    Reason.UNCOUNTED_PROVIDERS: Words("机构计数不足", "uncounted providers"),
    Reason.UNSUPPORTED_CLUSTER: Words("类别依据不足", "unsupported cluster"),
    Reason.NOVEL: Words("新类型", "novel"),
    Reason.NOT_CALIBRATED: Words("尚未校准", "not calibrated"),
    Reason.LOW_CONFIDENCE: Words("可信程度低", "low confidence"),
    Reason.OUTSIDE_FAST_SHARE: Words("超出快速通道份额", "outside the FAST share"),
    Reason.SPOT_CHECK: Words("随机抽查", "spot check"),
    Reason.ROUTINE: Words("常规", "routine"),
}
"""What a reason is called, for reviewers."""

STRANGE: dict[str, Words] = dict(
    zip(
        PARTS,
        (
            Words("总费用与{peers}相差较大。", "The total cost is unlike that of {peers}."),
            Words("住院天数与{peers}相差较大。", "The days of stay are unlike those of {peers}."),
            Words("费用构成与{peers}相差较大。", "The kinds of fees are unlike those of {peers}."),
            Words("这样的诊断与手术组合在本地很少见。", "This operation is rare here together with such a diagnosis."),
            Words(
                "这份结算单离最相近的一类较远，主要在于{block}。",
                "The claim lies far from the nearest kind of claims, above all in {block}.",
            ),
        ),
        strict=True,
    )
)
"""What a part of the score says."""

PEERS: dict[str, Words] = {
    "operation": Words("本地主要手术相同的{n}份结算单", "{n} claims here with the same main operation"),
    "operations": Words("本地主要手术相近的{n}份结算单", "{n} claims here with a similar main operation"),
    "operation block": Words("本地主要手术相近的{n}份结算单", "{n} claims here with a similar main operation"),
    "diagnosis": Words("本地主要诊断同类的{n}份结算单", "{n} claims here with the same kind of main diagnosis"),
    "chapter": Words("本地主要诊断同章的{n}份结算单", "{n} claims here with a main diagnosis of the same chapter"),
    "cluster": Words("本地同类的{n}份结算单", "{n} claims here of the same kind"),
    "all": Words("本地的{n}份结算单", "{n} claims here"),
}
"""Whom a claim was held against, by the first words of the group's name."""

BESIDE_PEERS: tuple[Words, ...] = (
    Words("总费用", "the total cost"),
    Words("住院天数", "the days of stay"),
    Words("费用构成", "the kinds of fees"),
)
"""What is held against peers, in the order of the parts of the score."""

LIKE = Words("这份结算单的{parts}与{peers}相近。", "In {parts} the claim is like {peers}.")
"""Of what was compared and found usual."""

NOT_STATED = Words("这份结算单没有注明{part}。", "The claim does not state {part}.")

BLOCKS: dict[str, Words] = {
    "codes": Words("诊断和手术", "diagnosis and operation"),
    "fees": Words("费用构成", "the kinds of fees"),
    "text": Words("文字说明", "the description"),
    "total": Words("总费用", "the total cost"),
    "stay_days": Words("住院天数", "the days of stay"),
    "age_days": Words("年龄", "age"),
    "med_type": Words("就诊类别", "the kind of visit"),
    "insutype": Words("险种", "the kind of insurance"),
    "hosp_lv": Words("医院等级", "the level of the hospital"),
    "adm_way": Words("入院途径", "the way of admission"),
    "dscg_way": Words("离院方式", "the way of discharge"),
    "gend": Words("性别", "sex"),
    "tcm_dise_code": Words("中医诊断", "the TCM diagnosis"),
    "fixmedins_code": Words("医疗机构", "the institution"),
    "insu_admdvs": Words("参保地", "the region of insurance"),
    "drg_code": Words("疾病诊断相关分组", "the diagnosis-related group"),
    "dip_code": Words("病种组", "the group of diseases"),
    "outcome": Words("审核结果", "the outcome of earlier checks"),
}
"""Blocks of a row; every field that a feature specification may name."""

COMPARED = Words("这份结算单与{peers}作了比较。", "The claim was compared with {peers}.")

SIMILAR = Words(
    "在没有规则指出问题、评分相近的{n}份经人工审核的结算单中，{routine}份（{share}）被确认为常规单据。",
    "Of {n} reviewed claims that no rule points at, with a similar score, {routine} ({share}) were confirmed "
    "as routine.",
)
NO_SIMILAR = Words(
    "经人工审核的结算单还不够多，无法说明同类单据中有多少被确认为常规单据。",
    "Too few claims have been reviewed yet to say how many like this one were confirmed as routine.",
)
FOUND_BY_RULE = Words(
    "有规则指出这份结算单，因此不给出同类单据的比例：该比例只统计没有规则指出问题的结算单。",
    "A rule points at this claim, so no share of similar claims is told: it is counted where no rule points.",
)


TAG_NAMES: dict[Tag, Words] = {tag: Words(*names) for tag, names in TAGS.items()}
TAGGED = Words(
    "这份结算单的标记：{tags}。标记不影响走哪个通道。",
    "Remarks on this claim: {tags}. They do not change where it goes.",
)


def block_words(name: str) -> Words:
    """A block of a row in words."""
    return BLOCKS.get(name, Words(name, name))


def listed(words: list[Words]) -> Words:
    """Several in a row."""
    *first, last = (one.en for one in words)
    return Words("、".join(one.zh for one in words), f"{', '.join(first)} and {last}" if first else last)


def peer_words(group: str | None, n: int) -> Words:
    """Whom a claim was held against."""
    kind = group.rsplit(" ", 1)[0] if group and " " in group else "all"
    return Words(*(text.format(n=f"{n:,}") for text in PEERS.get(kind, PEERS["all"])))


def filled(words: Words, **given: Words) -> Words:
    """A sentence with others in it."""
    return Words(
        words.zh.format(**{name: one.zh for name, one in given.items()}),
        words.en.format(**{name: one.en for name, one in given.items()}),
    )
