"""What became of a calibration, for people and programs."""

from __future__ import annotations

from dataclasses import dataclass, field

from client.router.deciding.calibration import Calibration
from client.router.deciding.reliability import ReliabilityLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What became of a calibration.

    Attributes:
        n_reviewed: Reviewed claims that a lot or their score had chosen, and that were learned from.
        n_by_rule: Others, which a rule had found; they teach the rules' report, not the calibration.
        n_other_features: Others, decided under a model of other features: their rows say nothing to this one.
        calibration: None if there were too few.
        table: Stated and found shares, of claims that the table had not seen.
    """

    n_reviewed: int
    n_by_rule: int
    n_other_features: int
    calibration: Calibration | None
    table: tuple[ReliabilityLine, ...] = field(default=())
