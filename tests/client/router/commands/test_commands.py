"""What people type: from an empty directory to decisions, explanations, verdicts, and a new model."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from client.command import main
from client.router.bench import draft_key_of
from client.router.desk import Desk
from client.router.due import draw_due
from client.router.router import now
from common.claim import Claim
from common.consortium.publishing import SignedPublication
from tests.client.router.deciding.worlds import claims
from tests.client.router.homes import Home, belongings, chain, model_bytes, publication
from tests.client.tables import wide_row, write_csv

Run = Callable[..., int]


def rows(n_rows: int, start: int = 0) -> list[dict[str, object]]:
    """Claims of the small world in the wide layout; under its calibration they take several lanes."""
    return [row_of(claim, start + number) for number, claim in enumerate(claims(n_rows, 3))]


def row_of(claim: Claim, number: int) -> dict[str, object]:
    total = claim.medfee_sumamt
    held: dict[str, object] = {
        "setl_id": f"S{number}",
        "psn_no": f"P{number}",
        "medfee_sumamt": str(total),
        "fund_pay_sumamt": str(total),
        "psn_part_amt": "0",
    }
    held |= {name: getattr(claim, name) for name in ("med_type", "hosp_lv", "gend", "age", "nwb_age", "act_ipt_days")}
    held |= {"fixmedins_code": claim.fixmedins_code, "adm_way": claim.adm_way, "dscg_way": claim.dscg_way}
    main_first = sorted(claim.diseinfo, key=lambda one: not one.maindiag_flag)
    held |= {
        f"diag_code{'' if not place else f'_{place + 1}'}": one.diag_code for place, one in enumerate(main_first[:8])
    }
    operations = sorted(claim.oprninfo, key=lambda one: not one.main_oprn_flag)[:4]
    held |= {
        f"oprn_oprt_code{'' if not place else f'_{place + 1}'}": one.oprn_oprt_code
        for place, one in enumerate(operations)
    }
    for item in claim.iteminfo:
        name = f"amt_{item.med_chrgitm_type}"
        held[name] = str(Decimal(str(held.get(name, 0))) + item.amt)
    return held


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "router").begin().accept()


@pytest.fixture
def run(home: Home, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    def started(*words: object, code: int = 0) -> Any:
        capsys.readouterr()
        found = main([*map(str, words), "--dir", str(home.root), "--json"])
        said = capsys.readouterr()
        assert found == code, said.err
        return json.loads(said.err if code else said.out)

    return started


def test_a_new_router_says_what_comes_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["router", "init", "--dir", str(tmp_path / "new")]) == 0
    assert "model accept" in capsys.readouterr().out
    assert (tmp_path / "new" / "router.toml").stat().st_mode & 0o077 == 0
    assert main(["router", "init", "--dir", str(tmp_path / "new")]) == 3


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_every_claim_of_a_file_gets_a_line_in_its_order(tmp_path: Path, run: Run, ending: str) -> None:
    source = write_csv(tmp_path / "claims.csv", [*rows(60), wide_row(900, diag_code="?"), rows(1)[0]])
    out = tmp_path / f"decisions.{ending}"
    said: Any = run("route", source, "--out", out)
    assert (said["rows"], said["claims"]) == (62, 60)
    assert said["rejected"] == {"ill_formed_code": 1, "duplicate_claim_key": 1}
    assert sum(said["lanes"].values()) == 60
    keys = [line["claim_key"] for line in lines_of(out)]
    assert keys == [f"S{number}" for number in range(60)]


def lines_of(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_decisions_name_claims_and_so_their_file_is_its_owners_alone(tmp_path: Path, run: Run, ending: str) -> None:
    out = tmp_path / f"decisions.{ending}"
    left = tmp_path / f".{out.name}.part"
    left.touch(0o644)
    run("route", write_csv(tmp_path / "claims.csv", rows(3)), "--out", out)
    assert out.stat().st_mode & 0o777 == 0o600
    assert not left.exists()


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_no_cell_of_decisions_is_a_formula(tmp_path: Path, run: Run, start: str) -> None:
    given: list[dict[str, object]] = [one | {"setl_id": f"{start}SUM(A1)"} for one in rows(1)]
    run("route", write_csv(tmp_path / "claims.csv", given), "--out", tmp_path / "out.csv")
    assert [line["claim_key"] for line in lines_of(tmp_path / "out.csv")] == [f"'{start}SUM(A1)"]


def test_routing_the_same_file_again_gives_the_same_decisions(tmp_path: Path, run: Run) -> None:
    source = write_csv(tmp_path / "claims.csv", rows(40))
    run("route", source, "--out", tmp_path / "first.csv")
    said: Any = run("route", source, "--out", tmp_path / "second.csv")
    assert said["decided_before"] == 40
    assert (tmp_path / "first.csv").read_bytes() == (tmp_path / "second.csv").read_bytes()


def test_a_file_is_never_written_over(tmp_path: Path, run: Run) -> None:
    source = write_csv(tmp_path / "claims.csv", rows(3))
    run("route", source, "--out", tmp_path / "out.csv")
    held = (tmp_path / "out.csv").read_bytes()
    run("route", source, "--out", tmp_path / "out.csv", code=3)
    run("route", source, "--out", tmp_path / "out.xlsx", code=3)
    assert (tmp_path / "out.csv").read_bytes() == held


def test_a_decision_is_explained_by_its_identity_or_its_claim(
    tmp_path: Path, run: Run, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    run("route", write_csv(tmp_path / "claims.csv", rows(10)), "--out", tmp_path / "out.jsonl")
    record = lines_of(tmp_path / "out.jsonl")[4]
    assert run("explain", record["decision_id"]) == record
    assert run("explain", "S4") == record
    page = tmp_path / "page.html"
    assert main(["explain", "S4", "--dir", str(home.root), "--html", str(page), "--language", "zh"]) == 0
    assert "逐字节相同" in capsys.readouterr().out
    assert main(["explain", "S4", "--dir", str(home.root), "--language", "en"]) == 0
    assert "the same, byte for byte" in capsys.readouterr().out
    assert "<svg" in page.read_text()
    assert page.stat().st_mode & 0o777 == 0o600
    run("explain", "S4", "--html", page, code=3)
    run("explain", "unknown", code=3)


def test_decisions_say_the_tags_of_their_claims_and_the_same_when_asked_again(tmp_path: Path, run: Run) -> None:
    given = write_csv(tmp_path / "claims.csv", [one | {"tcm_dise_code": "BNP010"} for one in rows(5)])
    for name in ("first", "again"):
        run("route", given, "--out", tmp_path / f"{name}.csv")
        run("route", given, "--out", tmp_path / f"{name}.parquet")
        lines = [*lines_of(tmp_path / f"{name}.csv"), *lines_of(tmp_path / f"{name}.parquet")]
        assert {line["tags"] for line in lines} <= {"tcm", "first_visit,tcm"}


def test_the_report_says_where_claims_of_each_region_went(
    tmp_path: Path, run: Run, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [one | {"insu_admdvs": "350100" if place < 60 else ""} for place, one in enumerate(rows(65))]
    said: Any = run("route", write_csv(tmp_path / "claims.csv", given), "--out", tmp_path / "out.csv")
    report: Any = run("router", "report")
    named, unnamed = report["regions"]
    assert (named["region"], unnamed["region"], unnamed["claims"]) == ("350100", None, "<11")
    assert set(named["lanes"]) == set(said["lanes"])
    page = tmp_path / "report.html"
    assert main(["router", "report", "--dir", str(home.root), "--html", str(page), "--language", "zh"]) == 0
    assert "350100" in capsys.readouterr().out
    assert "各地区各月的通道" in page.read_text()
    assert page.stat().st_mode & 0o777 == 0o600


def test_an_explanation_replays_with_what_the_decision_was_made_with(tmp_path: Path, run: Run, home: Home) -> None:
    run("route", write_csv(tmp_path / "claims.csv", rows(10)), "--out", tmp_path / "out.jsonl")
    record = lines_of(tmp_path / "out.jsonl")[4]
    home.policy(min_confidence=0.99, novel_beyond=0.5)
    run("model", "shadow", *files_of(tmp_path, chain(2)[1], 2))
    assert run("explain", "S4") == record


def test_verdicts_come_back_and_calibrate(tmp_path: Path, run: Run, home: Home) -> None:
    home.policy(min_reviewed=50)
    source = write_csv(tmp_path / "claims.csv", rows(400))
    run("router", "habits", source)
    assert run("router", "calibrate")["calibrated"] is False  # type: ignore[index]
    run("route", source, "--out", tmp_path / "first.csv")
    verdicts = [
        {"claim_key": f"S{number}", "verdict": "routine" if number % 10 else "improper", "reviewer": "Li"}
        for number in range(300)
    ]
    given = write_csv(tmp_path / "verdicts.csv", verdicts)
    assert run("feedback", given) == {"verdicts": 300, "new": 300}
    assert run("feedback", given) == {"verdicts": 300, "new": 0}
    said: Any = run("router", "calibrate")
    assert said["calibrated"] is True
    assert said["reviewed"] + said["found_by_rules"] == 300
    assert said["found_by_rules"] > 0
    run("route", write_csv(tmp_path / "new.csv", rows(50, 1000)), "--out", tmp_path / "second.jsonl")
    assert all(line["confidence"] is not None for line in lines_of(tmp_path / "second.jsonl"))
    report: Any = run("router", "report")
    assert sum(one["decided"] for one in report["lanes"]) == 450
    assert sum(one["verdicts"]["improper"] for one in report["lanes"]) == 30


@pytest.mark.parametrize(
    "line",
    [
        {"claim_key": "S1", "verdict": "maybe", "reviewer": "Li"},
        {"claim_key": "S1", "verdict": "routine", "reviewer": ""},
        {"claim_key": "S999", "verdict": "routine", "reviewer": "Li"},
        {"claim_key": "", "verdict": "routine", "reviewer": "Li"},
    ],
)
def test_one_wrong_line_of_feedback_and_nothing_of_it_is_taken(
    tmp_path: Path, run: Run, home: Home, line: dict[str, object]
) -> None:
    run("route", write_csv(tmp_path / "claims.csv", rows(5)), "--out", tmp_path / "out.csv")
    good: dict[str, object] = {"claim_key": "S2", "verdict": "fraud", "reviewer": "Li"}
    said: Any = run("feedback", write_csv(tmp_path / "verdicts.csv", [good, line]), code=3)
    assert "line 2" in said["text"]
    with Desk.open(home.root) as desk:
        assert list(desk.store.verdicts.counting()) == []


def test_the_newest_verdict_counts_and_the_others_stay(tmp_path: Path, run: Run, home: Home) -> None:
    run("route", write_csv(tmp_path / "claims.csv", rows(5)), "--out", tmp_path / "out.csv")
    for verdict in ("routine", "fraud"):
        line: dict[str, object] = {"claim_key": "S2", "verdict": verdict, "reviewer": "Li"}
        run("feedback", write_csv(tmp_path / f"{verdict}.csv", [line]))
    with Desk.open(home.root) as desk:
        [counting] = desk.store.verdicts.counting()
        assert counting.verdict == "fraud"
    report: Any = run("router", "report")
    assert sum(sum(one["verdicts"].values()) for one in report["lanes"]) == 1


def files_of(folder: Path, publication: SignedPublication, version: int) -> tuple[Path, Path]:
    signed, model = folder / f"publication-{version}.json", folder / f"model-{version}.json"
    signed.write_bytes(publication.to_json())
    model.write_bytes(model_bytes(version))
    return signed, model


def test_a_model_is_accepted_if_its_canaries_stay_and_gone_back_from(tmp_path: Path, run: Run, home: Home) -> None:
    write_csv(home.root / "canaries.csv", rows(80))
    home.configure('# canaries = "canaries.parquet"', 'canaries = "canaries.csv"')
    files = files_of(tmp_path, chain(2)[1], 2)
    assert "canary" in run("model", "accept", *files, code=5)["text"]  # type: ignore[index]
    assert run("model", "list")["in_force"] == 1  # type: ignore[index]
    with Desk.open(home.root) as desk:
        belongings(desk, chain(2)[1].publication.model_sha256)
    run("model", "accept", "--version", 2)
    assert run("model", "list")["in_force"] == 2  # type: ignore[index]
    run("model", "rollback", 1)
    found: Any = run("model", "list")
    assert (found["in_force"], found["pinned"]) == (1, 2)
    run("model", "refuse", 2)
    run("model", "accept", "--version", 2, code=5)


def test_without_canaries_a_second_model_is_not_accepted_unless_the_policy_allows_every_move(
    tmp_path: Path, run: Run, home: Home
) -> None:
    files = files_of(tmp_path, chain(2)[1], 2)
    assert "canar" in run("model", "accept", *files, code=5)["text"]  # type: ignore[index]
    home.policy(max_canary_moves=1.0)
    run("model", "accept", *files)


def test_a_model_with_which_nothing_can_be_decided_is_neither_pinned_nor_gone_back_to(tmp_path: Path) -> None:
    home = Home(tmp_path / "other").begin()
    held = home.place.policy.read_text()
    home.place.policy.write_text("unknown = 1")
    files = [str(path) for path in files_of(tmp_path, chain(1)[0], 1)]
    assert main(["model", "accept", *files, "--dir", str(home.root)]) == 3
    assert standing_of(home) == (None, None)
    home.place.policy.write_text(held)
    home.policy(max_canary_moves=1.0)
    later = [str(path) for path in files_of(tmp_path, chain(2)[1], 2)]
    for given in (files, later):
        assert main(["model", "accept", *given, "--dir", str(home.root)]) == 0
    home.place.policy.write_text("unknown = 1")
    assert main(["model", "rollback", "1", "--dir", str(home.root)]) == 3
    assert standing_of(home) == (2, 2)


def standing_of(home: Home) -> tuple[int | None, int | None]:
    with Desk.open(home.root) as desk:
        found = desk.shelf.standing()
    return found.in_force, found.pinned


def test_a_model_that_breaks_this_software_is_refused_and_the_one_in_force_stays(
    tmp_path: Path, run: Run, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_: object) -> None:
        raise ZeroDivisionError

    home.policy(max_canary_moves=1.0)
    files = files_of(tmp_path, chain(2)[1], 2)
    with monkeypatch.context() as broken:
        broken.setattr("client.router.models.choosing.get_ready", breaks)
        said: Any = run("model", "accept", *files, code=5)
    assert "ZeroDivisionError" in said["text"]
    assert standing_of(home) == (1, 1)
    run("model", "accept", "--version", 2)


def test_a_version_that_never_came_is_taken_from_files_with_the_same_checks_and_waits(
    tmp_path: Path, run: Run, home: Home
) -> None:
    folder = tmp_path / "delivered"
    folder.mkdir()
    (folder / "publication.json").write_bytes(chain(2)[1].to_json())
    (folder / "model.json").write_bytes(model_bytes(1))
    assert "not the model" in run("model", "import", folder, code=5)["text"]  # type: ignore[index]
    (folder / "publication.json").write_bytes(publication(2, previous="d" * 64).to_json())
    (folder / "model.json").write_bytes(model_bytes(2))
    run("model", "import", folder, code=5)
    assert [one["publication"]["version"] for one in run("model", "list")["entries"]] == [1]  # type: ignore[index]
    (folder / "publication.json").write_bytes(chain(2)[1].to_json())
    for given in ([folder], [folder / "publication.json"], [folder / "publication.json", folder / "model.json"]):
        said: Any = run("model", "import", *given)
        assert said["version"] == 2
    assert standing_of(home) == (1, 1)
    entries = run("model", "list")["entries"]  # type: ignore[index]
    assert [(one["publication"]["version"], one["stance"]) for one in entries] == [(1, "accepted"), (2, "waiting")]
    run("model", "import", tmp_path / "nothing.json", code=3)


def test_a_shadow_reports_how_far_it_agrees(tmp_path: Path, run: Run) -> None:
    run("model", "shadow", *files_of(tmp_path, chain(2)[1], 2))
    run("route", write_csv(tmp_path / "claims.csv", rows(30)), "--out", tmp_path / "out.csv")
    found: Any = run("model", "list")
    assert sum(found["shadow_agreement"].values()) == 30
    assert found["in_force"] == 1


def test_fast_claims_have_drafts_and_no_others(tmp_path: Path, run: Run, home: Home) -> None:
    said: Any = run("route", write_csv(tmp_path / "claims.csv", rows(80)), "--out", tmp_path / "out.csv")
    run("route", write_csv(tmp_path / "more.csv", rows(80)[40:]), "--out", tmp_path / "again.csv")
    with Desk.open(home.root) as desk:
        assert draw_due(desk.store, draft_key_of(desk.key), now()) == said["lanes"]["FAST"] > 0
        assert draw_due(desk.store, draft_key_of(desk.key), now()) == 0
        drafted = {held.draft.claim_key: held.draft for held in desk.store.drafts.all()}
    fast = {line["claim_key"]: line for line in lines_of(tmp_path / "out.csv") if line["lane"] == "FAST"}
    assert {key: one.decision_id for key, one in drafted.items()} == {
        key: line["decision_id"] for key, line in fast.items()
    }
    for one in drafted.values():
        assert one.fund_fen + one.person_fen + one.hospital_fen + one.rounding_fen == one.total_fen


def test_who_refused_automation_goes_to_a_person(tmp_path: Path, run: Run, home: Home) -> None:
    write_csv(home.root / "opted-out.csv", [{"psn_key": "P3"}, {"psn_key": "P5"}])
    home.configure('# opted_out = "opted-out.csv"', 'opted_out = "opted-out.csv"')
    run("route", write_csv(tmp_path / "claims.csv", rows(10)), "--out", tmp_path / "out.csv")
    lines = lines_of(tmp_path / "out.csv")
    assert [line["lane"] for line in (lines[3], lines[5])] == ["HUMAN", "HUMAN"]
    assert {line["claim_key"] for line in lines if "refused_automation" in line["reasons"]} == {"S3", "S5"}


def test_a_router_does_not_open_on_a_register_in_which_nobody_would_be_found(
    tmp_path: Path, run: Run, home: Home
) -> None:
    mapping = (resources.files("client.claims") / "mappings" / "nhsa_4101_wide.toml").read_text("utf-8")
    (home.root / "own.toml").write_text(mapping.replace('person_key = ["psn_no"]', 'person_key = "each_claim"'))
    home.configure('mapping = "nhsa_4101_wide"', 'mapping = "own.toml"')
    source = write_csv(tmp_path / "claims.csv", rows(3))
    run("route", source, "--out", tmp_path / "out.csv")
    write_csv(home.root / "opted-out.csv", [{"psn_key": "P3"}])
    home.configure('# opted_out = "opted-out.csv"', 'opted_out = "opted-out.csv"')
    said: Any = run("route", source, "--out", tmp_path / "other.csv", code=3)
    assert "opted_out" in said["text"]
    assert "person_key" in said["text"]


def test_it_is_told_that_nobodys_refusal_is_heard(
    tmp_path: Path, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_csv(tmp_path / "claims.csv", rows(3))
    for words in (["route", str(source), "--out", str(tmp_path / "a.csv")], ["router", "report"]):
        assert main([*words, "--dir", str(home.root)]) == 0
        assert "nobody's refusal of automated decisions is heard" in capsys.readouterr().out
    write_csv(home.root / "opted-out.csv", [{"psn_key": "P3"}])
    home.configure('# opted_out = "opted-out.csv"', 'opted_out = "opted-out.csv"')
    for words in (["route", str(source), "--out", str(tmp_path / "b.csv")], ["router", "report"]):
        assert main([*words, "--dir", str(home.root)]) == 0
        assert "refusal" not in capsys.readouterr().out
