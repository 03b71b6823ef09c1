"""Operations that were billed but not requested."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field as Limit

from client.router.rules.finding import RuleText, Severity, quoted
from client.router.rules.rule import Hits, Register, Rule, Seen
from common.claim import FEE_CATEGORIES
from common.columns import MISSING, ClaimTable, normalise_code

_OPERATION_FEE = tuple(FEE_CATEGORIES).index("06")


class UnrequestedOperation(Rule):
    """A billed operation that is not among those requested for the claim.

    A claim that the register does not name is not looked at.

    Attributes:
        characters: How much of a code must agree; 4 are the category of ICD-9-CM3, 10 a whole SIGTAP code.
    """

    text: ClassVar[RuleText] = RuleText(
        rule_id="R09",
        severity=Severity.HIGH,
        name="收费手术与申请不符",
        english_name="operation not requested",
        content="收费的手术操作不在事先申请或审批的手术操作之内",
        english_content="an operation that was billed is not among those requested or approved beforehand",
        behaviour="串换项目",
        english_behaviour="one item billed as another",
    )
    needs: ClassVar[Register | None] = "requested_operations"

    kind: Literal["unrequested_operation"] = "unrequested_operation"
    characters: Annotated[int, Limit(ge=2, le=32)] = 4

    def find(self, seen: Seen) -> Hits:
        """Claims with at least one such operation; the amount is their operation fee, or all where none is listed."""
        requested = seen.registers.requested_operations or {}
        found = {
            row: codes for row in _operated(seen.claims.table) if (codes := self._unrequested(seen, row, requested))
        }
        rows = np.fromiter(found, np.intp, len(found))
        table = seen.claims.table
        fee = table.fees[rows, _OPERATION_FEE]
        amounts = np.maximum(np.where(fee > 0, fee, table.total[rows]), 0)
        evidence = tuple(f"oprn_oprt_code={','.join(map(quoted, codes))}" for codes in found.values())
        return Hits(rows=rows, amounts=amounts, evidence=evidence)

    def _unrequested(self, seen: Seen, row: int, requested: Mapping[str, frozenset[str]]) -> list[str]:
        allowed = requested.get(seen.claims.claim_keys[row])
        if allowed is None:
            return []
        known = {normalise_code(code)[: self.characters] for code in allowed}
        return sorted({code for code in _codes(seen.claims.table, row) if code[: self.characters] not in known})


def _operated(table: ClaimTable) -> list[int]:
    """The rows with an operation, ascending."""
    operated: npt.NDArray[np.bool_] = np.zeros(len(table), np.bool_)
    for column in table.operations:
        operated |= column.indices != MISSING
    return np.flatnonzero(operated).tolist()


def _codes(table: ClaimTable, row: int) -> list[str]:
    return [column.values[column.indices[row]] for column in table.operations if column.indices[row] != MISSING]
