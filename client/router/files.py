"""Claims from files for the router: what ingest hands out, as routed claims."""

from __future__ import annotations

from client.claims.ingest import Ingested
from client.router.claims import RoutedClaims
from client.router.registers import Registers


def routed(found: Ingested, registers: Registers) -> RoutedClaims:
    """One batch as the router takes it.

    Args:
        found: Of an ``Ingest`` that hands out particulars.
        registers: Who refused automated decisions.

    Raises:
        ValueError: If there are no particulars.
    """
    own = found.particulars
    if own is None:
        msg = "the router needs particulars: read the claims with particulars=True"
        raise ValueError(msg)
    return RoutedClaims(
        table=found.table,
        claim_keys=own.claim_keys,
        admitted=own.admitted,
        discharged=own.discharged,
        settled=own.settled,
        fund_fen=own.fund_fen,
        person_fen=own.person_fen,
        hospital_fen=own.hospital_fen,
        referred=own.referred,
        refused_automation=registers.refused(found.table.person_id),
    )
