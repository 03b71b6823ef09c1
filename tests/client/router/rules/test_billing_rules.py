"""Rules about what was billed: drugs, fee shares, operations."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from client.router.registers import DrugItems, Registers, drug_items
from client.router.rules.drugs import RepeatedDrugs
from client.router.rules.evaluate import not_run
from client.router.rules.fees import UnusualFeeShare
from client.router.rules.operations import UnrequestedOperation
from client.router.rules.rule import Assigned
from client.router.rules.usual import usual_fee_shares
from common.claim import FEE_CATEGORIES, Claim
from common.features.default import default_spec
from common.features.rows import Featuriser
from common.features.spec import FeesBlock
from tests.client.router.rules.cases import found, hit, routed, stay, visit

DRUGS, SHARE, OPERATION = RepeatedDrugs(), UnusualFeeShare(), UnrequestedOperation()
EARLIER = ("A", "XA01", 0, 30)


def items(*lines: tuple[str, str, int, int], person: int = 7) -> DrugItems:
    """Lines of claim, drug, day and days supplied."""
    return drug_items(
        person_ids=np.full(len(lines), person, np.uint64),
        claim_keys=[line[0] for line in lines],
        codes=[line[1] for line in lines],
        days=np.array([line[2] for line in lines], np.int64),
        days_supplied=np.array([line[3] for line in lines], np.int64),
    )


@pytest.mark.parametrize(
    ("line", "hits"),
    [
        (("B", "XA01", 10, 30), True),
        (("B", "xa.01", 10, 30), True),
        (("B", "XA01", 22, 30), True),
        (("B", "XA01", 23, 30), False),  # seven days left: a refill in time
        (("B", "XA02", 10, 30), False),
        (("B", "XA01", 31, 30), False),
        (("B", "XA01", 0, 30), True),
    ],
)
def test_a_drug_dispensed_long_before_the_last_supply_ends_is_reviewed(
    line: tuple[str, str, int, int], *, hits: bool
) -> None:
    registers = Registers(drug_items=items(EARLIER, line))
    assert hit(DRUGS, visit("B"), registers=registers) == [hits]
    both_on_one_day = line[2] == 0
    assert hit(DRUGS, visit("A"), visit("B"), registers=registers) == [hits and both_on_one_day, hits]


def test_the_register_does_not_depend_on_the_order_of_its_items() -> None:
    lines = [EARLIER, ("B", "XA01", 10, 30), ("B", "XB", 10, 5), ("C", "XA01", 12, 9), ("C", "XB", 11, 9)]
    one, other = items(*lines), items(*reversed(lines))
    for name in ("claim", "held_days", "drug"):
        assert (getattr(one, name) == getattr(other, name)).all()


def test_two_lines_of_one_claim_are_not_held_against_each_other() -> None:
    registers = Registers(drug_items=items(("B", "XA01", 0, 30), ("B", "XA01", 0, 30)))
    assert hit(DRUGS, visit("B"), registers=registers) == [False]


def test_another_persons_drugs_are_not_held_against_anybody() -> None:
    register = drug_items(
        person_ids=np.array([7, 8], np.uint64),
        claim_keys=["A", "B"],
        codes=["X", "X"],
        days=np.array([0, 1]),
        days_supplied=np.array([30, 30]),
    )
    assert hit(DRUGS, visit("B"), registers=Registers(drug_items=register)) == [False]


def test_the_finding_on_drugs_names_the_drug_and_takes_the_drug_fees() -> None:
    fees = [{"med_chrgitm_type": "09", "amt": "60"}, {"med_chrgitm_type": "11", "amt": "40"}]
    claim = visit("B", iteminfo=[*fees, {"med_chrgitm_type": "02", "amt": "100"}])
    for worst, other in (("XA", "XC"), ("XC", "XA")):
        earlier = ("A", other, 0, 30), ("A", worst, 0, 90)
        lines = (*earlier, ("B", other, 10, 30), ("B", worst, 10, 30))
        (one,) = found(DRUGS, claim, registers=Registers(drug_items=items(*lines))).of(0)
        assert (one.vola_amt, one.vola_evid) == (Decimal("100.00"), f"drug={worst};days_left=80")


def test_an_empty_register_of_drugs_finds_nothing() -> None:
    assert hit(DRUGS, visit("B"), registers=Registers(drug_items=items())) == [False]


def billed(total: str = "5000", **amounts: str) -> Claim:
    rest = Decimal(total) - sum(map(Decimal, amounts.values()))
    items = [{"med_chrgitm_type": name[1:], "amt": amount} for name, amount in amounts.items()]
    return stay(total=total, iteminfo=[*items, {"med_chrgitm_type": "05", "amt": str(rest)}])


@pytest.mark.parametrize(
    ("claim", "hits"),
    [
        (billed(c08="3750"), False),  # 750 per mille of 5000
        (billed(c08="3750.01"), True),
        (billed(c03="3500.01"), True),
        (billed(c09="4250"), False),
        (billed(c09="4250.01"), True),
        (billed(c01="5000"), False),  # no declared limit
        (billed(total="999.99", c08="999.99"), False),
        (billed(total="1000", c08="1000"), True),
        (visit(total="5000", iteminfo=[{"med_chrgitm_type": "04", "amt": "5000"}]), False),
        (stay(iteminfo=[]), False),
    ],
)
def test_a_fee_share_beyond_the_declared_limit_is_reviewed(claim: Claim, *, hits: bool) -> None:
    assert hit(SHARE, claim) == [hits]
    assert hit(SHARE, stay("B", begins=50), claim) == [False, hits]


def test_the_finding_on_a_fee_share_takes_the_amount_beyond_the_limit() -> None:
    (one,) = found(SHARE, billed(c08="4000")).of(0)
    assert one.vola_amt == Decimal("250.00")
    assert one.vola_evid == "med_chrgitm_type=08;share_per_mille=800;limit_per_mille=750"


def usual(*shares: dict[str, float]) -> np.ndarray:
    return np.array([[row.get(name, 0.0) for name in FEE_CATEGORIES] for row in shares])


def test_a_fee_share_far_beyond_what_is_usual_in_its_cluster_is_reviewed_and_one_within_the_margin_is_not() -> None:
    known = usual({"01": 0.2, "05": 0.8}, {"01": 0.5, "05": 0.5})
    bed = billed(c01="3500"), billed(c01="3500"), billed(c01="3500")
    assigned = Assigned(cluster=np.array([0, 1, -1], np.int32), usual=known)
    assert hit(SHARE, *bed, assigned=assigned) == [True, False, False]


def test_declared_limits_hold_beside_the_usual_ones() -> None:
    assigned = Assigned(cluster=np.array([0], np.int32), usual=usual({"08": 1.0}))
    assert hit(SHARE, billed(c08="4000"), assigned=assigned) == [True]
    assert hit(UnusualFeeShare(declared={}), billed(c08="4000"), assigned=assigned) == [False]


def test_the_usual_shares_of_a_cluster_are_those_of_its_claims_if_these_are_alike() -> None:
    class Model:
        class plan:  # noqa: N801
            features = default_spec()

        def centroid_values(self) -> np.ndarray:
            return Featuriser(default_spec()).rows(routed(billed(c08="2000", c09="500")).table).astype(np.float64)

    shares = usual_fee_shares(Model())  # type: ignore[arg-type]
    assert shares is not None
    assert shares[0] == pytest.approx(usual({"05": 0.5, "08": 0.4, "09": 0.1})[0], abs=1e-4)


def test_without_a_block_of_fees_nothing_is_usual_and_a_centroid_that_says_nothing_allows_everything() -> None:
    spec = default_spec()

    class Model:
        class plan:  # noqa: N801
            features = spec

        def centroid_values(self) -> np.ndarray:
            return np.zeros((1, spec.n_features))

    shares = usual_fee_shares(Model())  # type: ignore[arg-type]
    assert shares is not None
    assert (shares == 1).all()
    Model.plan.features = spec.model_copy(
        update={"blocks": tuple(b for b in spec.blocks if not isinstance(b, FeesBlock))}
    )
    assert usual_fee_shares(Model()) is None  # type: ignore[arg-type]


def operated(*codes: str, key: str = "A") -> Claim:
    done = [{"oprn_oprt_code": code, "main_oprn_flag": code == codes[0]} for code in codes]
    return stay(
        key,
        oprninfo=done,
        iteminfo=[{"med_chrgitm_type": "06", "amt": "3000"}, {"med_chrgitm_type": "05", "amt": "2000"}],
    )


@pytest.mark.parametrize(
    ("codes", "requested", "hits"),
    [
        (("47.0100",), {"47.01"}, False),
        (("47.0900",), {"47.01"}, True),
        (("47.0100", "54.2100"), {"47.01"}, True),
        (("47.0100", "54.2100"), {"47.01", "5421"}, False),
        (("47.0100",), set(), True),
        ((), {"47.01"}, False),
    ],
)
def test_a_billed_operation_must_be_among_the_requested_ones(
    codes: tuple[str, ...], requested: set[str], *, hits: bool
) -> None:
    registers = Registers(requested_operations={"A": frozenset(requested)})
    assert hit(OPERATION, operated(*codes), registers=registers) == [hits]
    assert hit(OPERATION, operated("99.99", key="B"), operated(*codes), registers=registers) == [False, hits]


def test_the_finding_on_an_operation_names_it_and_takes_the_operation_fee() -> None:
    registers = Registers(requested_operations={"A": frozenset({"47.01"})})
    (one,) = found(OPERATION, operated("47.0100", "54.2100"), registers=registers).of(0)
    assert (one.vola_amt, one.vola_evid) == (Decimal("3000.00"), "oprn_oprt_code=542100")


def test_a_bureau_may_compare_whole_codes() -> None:
    registers = Registers(requested_operations={"A": frozenset({"0407010010"})})
    whole = UnrequestedOperation(characters=10)
    assert hit(whole, operated("0407010011"), registers=registers) == [True]
    assert hit(OPERATION, operated("0407010011"), registers=registers) == [False]


def test_rules_whose_register_is_missing_do_not_run_and_say_so() -> None:
    assert not_run([DRUGS, SHARE, OPERATION], Registers()) == (("R07", "drug_items"), ("R09", "requested_operations"))
    assert hit(OPERATION, operated("47.01")) == [False]
