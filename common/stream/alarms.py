"""What people should look at after a window: surges, drift, new clusters and old ones that end.

References:
    Page, "Continuous Inspection Schemes", Biometrika 41, 1954; Siegmund, "Sequential Analysis", Springer 1985 (how long
    a CUSUM runs without a cause).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from common.stream.state import Cell, Change, StreamState

LONG_IN_QUARANTINE = 8
"""Windows after which a new cluster that is still in quarantine is told of once."""


class AlarmKind(StrEnum):
    """What happened."""

    BIRTH = "birth"
    CONFIRMED = "confirmed"
    DEATH = "death"
    MERGE = "merge"
    SPLIT = "split"
    SURGE = "surge"
    SURGE_OF_UNKNOWN = "surge of unknown claims"
    SURGE_OF_OPERATIONS = "surge of operations"
    DRIFT = "drift"
    HELD = "held in quarantine"


_OF_CHANGES = {
    Change.BIRTH: AlarmKind.BIRTH,
    Change.CONFIRMED: AlarmKind.CONFIRMED,
    Change.DEATH: AlarmKind.DEATH,
    Change.MERGE: AlarmKind.MERGE,
    Change.SPLIT: AlarmKind.SPLIT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something to look at.

    Attributes:
        window: In which it was seen.
        kind: What it is.
        identity: Of the cluster; None where it is about the stream, or about claims far from every cluster.
        others: Of clusters that have to do with it.
        operations: Category of operations, of a surge of them.
        size: Of a surge or a drift in deviations, else 0.
    """

    window: int
    kind: AlarmKind
    identity: int | None = None
    others: tuple[int, ...] = ()
    operations: int | None = None
    size: float = 0.0

    def sentence(self, chinese: bool = False) -> str:  # noqa: FBT001, FBT002
        """In words, for people; without a figure of any claim or bureau."""
        texts = _CHINESE if chinese else _ENGLISH
        joint = "、" if chinese else ", "
        return texts[self.kind].format(
            identity=self.identity,
            others=joint.join(map(str, self.others)),
            size=self.size,
            operations=f"{self.operations or 0:02d}",
        )


def alarms_of(before: StreamState | None, after: StreamState) -> tuple[Alarm, ...]:
    """What the windows since ``before`` call for.

    Guarantees:
        * A surge or a drift is told once, and not again before late windows were as usual; a long quarantine once.
    """
    last = after.window - 1 if before is None else before.window
    found = [
        Alarm(window=one.window, kind=_OF_CHANGES[one.change], identity=one.identity, others=one.others)
        for one in after.events
        if one.window > last and one.change in _OF_CHANGES
    ]
    known = {} if before is None else {one.identity: one for one in before.clusters}
    for one in after.clusters:
        earlier = known.get(one.identity)
        if _rises(earlier, one):
            found.append(_surge(after, AlarmKind.SURGE, one, one.identity))
        if one.quarantined and one.proofs == LONG_IN_QUARANTINE:
            found.append(Alarm(window=after.window, kind=AlarmKind.HELD, identity=one.identity))
    scouts = max(after.scouts, key=lambda one: one.surge, default=None)
    earliest = None if before is None else max(before.scouts, key=lambda one: one.surge, default=None)
    if scouts is not None and _rises(earliest, scouts):
        found.append(_surge(after, AlarmKind.SURGE_OF_UNKNOWN, scouts, None))
    found += _of_operations(before, after)
    if after.watch.alarmed and not (before is not None and before.watch.alarmed):
        found.append(Alarm(window=after.window, kind=AlarmKind.DRIFT, size=after.watch.drift / 1000))
    return tuple(found)


def _of_operations(before: StreamState | None, after: StreamState) -> list[Alarm]:
    earlier = () if before is None else before.operations
    known = [place < len(earlier) and earlier[place].alarmed for place in range(len(after.operations))]
    return [
        Alarm(window=after.window, kind=AlarmKind.SURGE_OF_OPERATIONS, operations=category, size=one.surge / 1000)
        for category, one in enumerate(after.operations)
        if one.alarmed and not known[category]
    ]


def _rises(earlier: Cell | None, now: Cell) -> bool:
    return now.alarmed and not (earlier is not None and earlier.alarmed)


def _surge(after: StreamState, kind: AlarmKind, cell: Cell, identity: int | None) -> Alarm:
    return Alarm(window=after.window, kind=kind, identity=identity, size=cell.surge / 1000)


_ENGLISH = {
    AlarmKind.BIRTH: "A new cluster, {identity}, was found; it stays in quarantine until enough bureaus are in it.",
    AlarmKind.CONFIRMED: "Cluster {identity} has left quarantine: its claims come from enough bureaus.",
    AlarmKind.DEATH: "Cluster {identity} has ended: for an hour it had hardly any claims.",
    AlarmKind.MERGE: "Cluster {others} is now part of cluster {identity}: nothing told them apart any more.",
    AlarmKind.SPLIT: "Cluster {identity} was split off from cluster {others}, which had become much wider.",
    AlarmKind.SURGE: "Cluster {identity} has far more claims than it used to: {size:.0f} deviations.",
    AlarmKind.SURGE_OF_UNKNOWN: "Far more claims than usual resemble no cluster: {size:.0f} deviations.",
    AlarmKind.SURGE_OF_OPERATIONS: "Far more operations of category {operations} than usual: {size:.0f} deviations.",
    AlarmKind.DRIFT: "Claims lie further from their clusters than they used to: {size:.0f} deviations.",
    AlarmKind.HELD: "Cluster {identity} stays in quarantine: its claims come from too few bureaus.",
}
_CHINESE = {
    AlarmKind.BIRTH: "发现新聚类 {identity}；在足够多的机构出现之前处于隔离观察状态。",
    AlarmKind.CONFIRMED: "聚类 {identity} 已解除隔离：其结算记录来自足够多的机构。",
    AlarmKind.DEATH: "聚类 {identity} 已终止：近一小时内几乎没有结算记录。",
    AlarmKind.MERGE: "聚类 {others} 已并入聚类 {identity}：两者已无法区分。",
    AlarmKind.SPLIT: "聚类 {identity} 由明显变宽的聚类 {others} 拆分而来。",
    AlarmKind.SURGE: "聚类 {identity} 的结算记录明显多于以往：{size:.0f} 个标准差。",
    AlarmKind.SURGE_OF_UNKNOWN: "不属于任何聚类的结算记录明显多于以往：{size:.0f} 个标准差。",
    AlarmKind.SURGE_OF_OPERATIONS: "手术类目 {operations} 明显多于以往：{size:.0f} 个标准差。",
    AlarmKind.DRIFT: "结算记录与所属聚类的距离明显大于以往：{size:.0f} 个标准差。",
    AlarmKind.HELD: "聚类 {identity} 继续隔离观察：其结算记录来自的机构过少。",
}
