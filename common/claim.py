"""The claim: one settled bill, in the field names of the national settlement interface.

English aliases are accepted on the way in (``principal_diagnosis`` style names are not: an alias is the field's
plain English name, listed in ``ALIASES``). A claim holds no direct identifier; the names in
``DIRECT_IDENTIFIERS`` are refused wherever they appear.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

FEE_CATEGORIES: dict[str, tuple[str, str]] = {
    "01": ("床位费", "bed"),
    "02": ("诊察费", "consultation"),
    "03": ("检查费", "examination"),
    "04": ("化验费", "laboratory"),
    "05": ("治疗费", "treatment"),
    "06": ("手术费", "operation"),
    "07": ("护理费", "nursing"),
    "08": ("卫生材料费", "materials"),
    "09": ("西药费", "western drugs"),
    "10": ("中药饮片费", "herbal slices"),
    "11": ("中成药费", "patent TCM drugs"),
    "12": ("一般诊疗费", "general practice"),
    "13": ("挂号费", "registration"),
    "14": ("其他费", "other"),
}
"""The fourteen fee categories ``med_chrgitm_type`` of the settlement list: code to Chinese and English name."""

ALIASES: dict[str, str] = {
    "claim_id": "claim_key",
    "person_id": "psn_key",
    "provider_id": "fixmedins_code",
    "region": "insu_admdvs",
    "visit_type": "med_type",
    "insurance_type": "insutype",
    "provider_level": "hosp_lv",
    "admission_way": "adm_way",
    "discharge_way": "dscg_way",
    "admitted": "adm_time",
    "discharged": "dscg_time",
    "settled": "setl_time",
    "stay_days": "act_ipt_days",
    "newborn_age_days": "nwb_age",
    "sex": "gend",
    "diagnoses": "diseinfo",
    "operations": "oprninfo",
    "tcm_diagnosis": "tcm_dise_code",
    "description": "dscr_text",
    "fees": "iteminfo",
    "total_amount": "medfee_sumamt",
    "pooled_fund_amount": "hifp_pay",
    "fund_amount": "fund_pay_sumamt",
    "person_amount": "psn_part_amt",
    "account_amount": "acct_pay",
    "cash_amount": "psn_cash_pay",
    "hospital_amount": "hosp_part_amt",
    "refund_flag": "refd_setl_flag",
    "referred_from": "refl_old_mdtrt_id",
    "referred_to": "reflin_medins_no",
    "drg": "drg_code",
    "dip": "dip_code",
}
"""English alias to national field name; both are accepted wherever a claim field is named."""

DIRECT_IDENTIFIERS: frozenset[str] = frozenset(
    {
        "psn_name",
        "patn_name",
        "certno",
        "psn_cert_no",
        "psn_cert_type",
        "patn_cert_type",
        "curr_addr",
        "addr",
        "tel",
        "mob",
        "brdy",
        "coner_name",
        "coner_addr",
        "coner_tel",
        "emp_name",
        "emp_addr",
        "emp_tel",
        "poscode",
        "name",
        "full_name",
        "first_name",
        "last_name",
        "patient_name",
        "id_card",
        "id_number",
        "identity_number",
        "ssn",
        "passport",
        "phone",
        "phone_number",
        "mobile",
        "telephone",
        "email",
        "address",
        "home_address",
        "street",
        "postcode",
        "zip_code",
        "date_of_birth",
        "birth_date",
        "birthdate",
        "dob",
        "bank_account",
        "姓名",
        "身份证",
        "身份证号",
        "证件号码",
        "电话",
        "手机",
        "手机号",
        "联系电话",
        "住址",
        "现住址",
        "地址",
        "出生日期",
        "工作单位",
        "单位名称",
        "联系人",
        "银行账号",
    }
)
"""Column and field names (lower case) that point at a person; refused at the door, whatever they hold."""

AMOUNT_TOLERANCE = Decimal("0.05")
"""Largest difference between a claim's total and the sum of its parts that still counts as rounding, in yuan."""

MAX_STAY_DAYS = 3660
MAX_AGE_YEARS = 130

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.+*/x_-]{1,32}$")]
Key = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Amount = Annotated[Decimal, Field(ge=Decimal("-1e12"), le=Decimal("1e12"), decimal_places=2, allow_inf_nan=False)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Diagnosis(_Record):
    """One line of ``diseinfo``."""

    diag_code: Code
    maindiag_flag: bool = False
    diag_type: str | None = None
    adm_cond_type: str | None = None


class Operation(_Record):
    """One line of ``oprninfo``."""

    oprn_oprt_code: Code
    oprn_oprt_date: date | None = None
    main_oprn_flag: bool = False


class FeeItem(_Record):
    """One line of ``iteminfo``: what was charged in one fee category, in yuan."""

    med_chrgitm_type: Literal["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14"]
    amt: Amount
    claa_sumfee: Amount = Decimal(0)
    clab_amt: Amount = Decimal(0)
    fulamt_ownpay_amt: Amount = Decimal(0)


class Claim(_Record):
    """One settled claim. Amounts are in yuan, ages in completed years, stays in days.

    Guarantees:
        * Exactly one diagnosis is marked as the main one (the only one is marked if none is).
        * Fee items add up to ``medfee_sumamt``, and fund + person + hospital parts do where they are given,
          within ``AMOUNT_TOLERANCE``.
        * Dates are ordered, and ``act_ipt_days`` agrees with them to one day.
        * No field of another name is accepted, so no direct identifier is.

    Raises:
        pydantic.ValidationError: With one of the reasons above; ``client.claims.ingest`` turns it into a reason code.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    claim_key: Key
    psn_key: Key
    fixmedins_code: Key | None = None
    insu_admdvs: Key | None = None
    med_type: Code | None = None
    insutype: Code | None = None
    hosp_lv: Code | None = None
    adm_way: Code | None = None
    dscg_way: Code | None = None
    adm_time: datetime | None = None
    dscg_time: datetime | None = None
    setl_time: datetime | None = None
    act_ipt_days: Annotated[int, Field(ge=0, le=MAX_STAY_DAYS)] | None = None
    age: Annotated[int, Field(ge=0, le=MAX_AGE_YEARS)] | None = None
    nwb_age: Annotated[int, Field(ge=0, le=366)] | None = None
    gend: Literal["0", "1", "2", "9"] | None = None
    diseinfo: tuple[Diagnosis, ...] = Field(min_length=1, max_length=64)
    oprninfo: tuple[Operation, ...] = Field(default=(), max_length=64)
    tcm_dise_code: Code | None = None
    dscr_text: Annotated[str, Field(max_length=4096)] | None = None
    iteminfo: tuple[FeeItem, ...] = Field(default=(), max_length=64)
    medfee_sumamt: Amount
    hifp_pay: Amount | None = None
    fund_pay_sumamt: Amount | None = None
    psn_part_amt: Amount | None = None
    acct_pay: Amount | None = None
    psn_cash_pay: Amount | None = None
    hosp_part_amt: Amount | None = None
    refd_setl_flag: bool = False
    refl_old_mdtrt_id: Key | None = None
    reflin_medins_no: Key | None = None
    drg_code: Code | None = None
    dip_code: Code | None = None
    outcome: Code | None = None

    @model_validator(mode="before")
    @classmethod
    def _accept_english_aliases(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        renamed = {ALIASES.get(key, key): held for key, held in value.items()}
        if len(renamed) != len(value):
            msg = "a field is given twice, by its national name and by its English alias"
            raise ValueError(msg)
        return renamed

    @model_validator(mode="after")
    def _has_one_main_diagnosis(self) -> Self:
        marked = sum(diagnosis.maindiag_flag for diagnosis in self.diseinfo)
        if marked != 1 and not (marked == 0 and len(self.diseinfo) == 1):
            msg = "main_diagnosis: exactly one diagnosis must be marked as the main one"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.medfee_sumamt < 0 and not self.refd_setl_flag:
            msg = "negative_amount: a negative total needs the refund flag"
            raise ValueError(msg)
        if self.iteminfo and abs(sum(item.amt for item in self.iteminfo) - self.medfee_sumamt) > AMOUNT_TOLERANCE:
            msg = "fees_do_not_add_up: fee items and total differ"
            raise ValueError(msg)
        if self.fund_pay_sumamt is not None and self.psn_part_amt is not None:
            parts = self.fund_pay_sumamt + self.psn_part_amt + (self.hosp_part_amt or 0)
            if abs(parts - self.medfee_sumamt) > AMOUNT_TOLERANCE:
                msg = "payment_does_not_add_up: fund, person and hospital parts and total differ"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _has_ordered_dates(self) -> Self:
        if self.adm_time is None or self.dscg_time is None:
            return self
        if self.dscg_time.replace(tzinfo=None) < self.adm_time.replace(tzinfo=None):
            msg = "dates_disordered: discharged before admitted"
            raise ValueError(msg)
        days = (self.dscg_time.date() - self.adm_time.date()).days
        if self.act_ipt_days is not None and abs(self.act_ipt_days - days) > 1:
            msg = "stay_contradicts_dates: stay and dates differ by more than a day"
            raise ValueError(msg)
        return self
