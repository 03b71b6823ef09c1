"""Names that columns of claims are known under, apart from the national ones and their English aliases."""

from __future__ import annotations

import re

from common.claim import ALIASES

KNOWN: dict[str, tuple[str, ...]] = {
    "claim_key": ("setl_id", "claim_no", "clm_id", "claimid", "bill_id", "encounter_id", "mdtrt_id", "visit_id",
                  "aih_id", "n_aih", "结算id", "结算编号"),
    "psn_key": ("psn_no", "bene_id", "desynpuf_id", "patient_nbr", "patient_id", "member_id", "insured_id", "idp",
                "hi_no", "人员编号"),
    "fixmedins_code": ("hospital", "hospital_id", "provider", "prvdr_num", "permanent_facility_id", "cnes", "机构编号"),
    "insu_admdvs": ("area", "state", "division", "hospital_county", "insuplc", "统筹区", "参保地"),
    "med_type": ("ipt_med_type", "kind", "claim_type", "specialty", "医疗类别"),
    "insutype": ("hi_type", "payer_code", "payment_typology_1", "险种"),
    "hosp_lv": ("hospital_level", "医院等级"),
    "adm_way": ("admission_type", "type_of_admission", "admission_type_id", "car_int"),
    "dscg_way": ("discharge_code", "discharge_disposition_id", "patient_disposition", "disposition", "cobranca"),
    "adm_time": ("admit", "admission", "admission_date", "clm_admsn_dt", "dt_inter", "入院时间", "入院日期"),
    "dscg_time": ("discharge", "discharge_date", "nch_bene_dschrg_dt", "dt_saida", "出院时间", "出院日期"),
    "setl_time": ("settlement_date", "end", "clm_thru_dt", "paid_date", "结算时间"),
    "act_ipt_days": ("los", "length_of_stay", "time_in_hospital", "clm_utlztn_day_cnt", "dias_perm", "住院天数"),
    "age": ("age_years", "idade", "xage", "年龄"),
    "nwb_age": (),
    "gend": ("gender", "sexo", "bene_sex_ident_cd", "性别"),
    "medfee_sumamt": ("total", "v_total", "val_tot", "total_charges", "total_costs", "paid", "clm_pmt_amt", "amount",
                      "charge", "总费用", "费用总额"),
    "drg_code": ("clm_drg_cd", "apr_drg_code", "ms_drg", "drg编码"),
    "main_diagnosis": ("diag_code", "dx_main", "diag_1", "dx1", "dx_1", "dx", "icd9_dgns_cd_1", "diag_princ",
                       "primary_diagnosis", "principal_diagnosis", "main_diagnosis", "ccsr_diagnosis_code",
                       "主要诊断编码", "主诊断编码"),
    "other_diagnosis": ("dx_secondary", "secondary_diagnosis", "diag_secun", "diagnosis_secondary"),
    "more_diagnoses": ("dx_more", "other_diagnoses", "secondary_diagnoses"),
    "other_operation": ("proc_requested", "proc_solic"),
    "main_operation": ("oprn_oprt_code", "proc_billed", "px", "px1", "px_1", "icd9_prcdr_cd_1", "proc_rea",
                       "primary_procedure", "principal_procedure", "ccsr_procedure_code", "主要手术编码"),
}  # fmt: skip
"""Claim field, or what a mapping of diagnoses and operations needs, to further names, in order of preference."""


def names_of(field: str) -> tuple[str, ...]:
    """Every name a field is known under: the national one, its aliases, then the others."""
    aliases = [alias for alias, national in ALIASES.items() if national == field]
    return tuple(dict.fromkeys((field, *aliases, *KNOWN.get(field, ()))))


def simplified(name: str) -> str:
    """A name for comparison: lower case, words joined by single underscores."""
    return re.sub(r"[^0-9a-z\u4e00-\u9fff]+", "_", name.strip().casefold()).strip("_")


def numbered_siblings(main: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The columns that continue a numbered one: ``diag_2``, ``diag_3`` after ``diag_1`` or ``diag``."""
    found = re.fullmatch(r"(.*?)_?0*1?", main)
    stem = found.group(1) if found else main
    numbered = [(re.fullmatch(re.escape(stem) + r"_?0*([0-9]{1,2})", name), name) for name in names if name != main]
    return tuple(
        name for match, name in sorted(((m, n) for m, n in numbered if m), key=lambda one: int(one[0].group(1)))
    )
