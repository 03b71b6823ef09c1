"""``fedclaims-simulate`` as a person runs it: files out, exit codes, no debris, and no value of a row ever shown."""

from __future__ import annotations

import html.parser
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from common.model import Model
from simulations import command
from simulations.command import main
from tests.simulations.claim_files import arguments, csv_file, generated, parquet_file
from tests.simulations.schema import faults

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "result.schema.json").read_text())
CANARY = "CANARY-Jane-Doe"
IDENTITY = "11010519491231002X"
FILES = {"result.json", "model.json", "report.html", "plan.json"}


class Ended:
    """A run of the command in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str], given: list[str]) -> None:
        self.code = main(given)
        captured = capsys.readouterr()
        self.out, self.err = captured.out, captured.err

    def last_line(self) -> str:
        return self.err.splitlines()[-1]


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory) -> str:
    return parquet_file(tmp_path_factory.mktemp("claims") / "claims.parquet")


@pytest.fixture(scope="module")
def out(claims: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a run that went well."""
    found = tmp_path_factory.mktemp("out")
    assert main([*arguments(claims, bureau_column="insu_admdvs", no_reference=False), "--out", str(found)]) == 0
    return found


def test_a_run_writes_four_files_and_nothing_else(out: Path) -> None:
    assert {path.name for path in out.iterdir()} == FILES


def test_the_written_result_validates_against_the_documented_schema(out: Path) -> None:
    assert list(faults(SCHEMA, json.loads((out / "result.json").read_text()))) == []


def test_the_written_model_loads_and_has_the_results_hash(out: Path) -> None:
    model = Model.model_validate_json((out / "model.json").read_bytes())
    assert model.centroids_sha256 == json.loads((out / "result.json").read_text())["centroids_sha256"]
    assert model.provenance.cohort == ("990001", "990002", "990003", "990004", "990005")


class Links(html.parser.HTMLParser):
    """Collects what a page would load from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        loads = {"src", "srcset", "data", "poster", "action", "background"} | ({"href"} if tag != "a" else set())
        self.found += [value for name, value in attrs if name in loads and value and not value.startswith("#")]


def test_the_written_report_is_one_page_that_loads_nothing(out: Path) -> None:
    page = (out / "report.html").read_text()
    links = Links()
    links.feed(page)
    assert [link for link in links.found if not link.startswith("data:")] == []
    assert not re.search(r"@import|url\((?!['\"]?(#|data:))", page)
    assert json.loads((out / "result.json").read_text())["centroids_sha256"][:16] in page
    assert len(page) > 20_000


def test_the_result_is_shown_and_the_lack_of_protection_is_not_hidden(
    claims: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = Ended(capsys, [*arguments(claims, bureaus=2), "--out", str(tmp_path)])
    assert ended.code == 0
    shown = " ".join(ended.out.split())
    assert "protection is none: every bureau's sums reach the coordinator in the clear" in shown
    assert "bureaus: 2, below the 3 that a real bureau's policy asks for" in shown
    assert f"report: {tmp_path / 'report.html'}" in ended.out
    assert ended.err.splitlines()[0] == "reading claims"
    assert "\x1b" not in ended.out + ended.err, "no terminal, no control characters"


def test_three_bureaus_need_no_note(claims: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended = Ended(capsys, [*arguments(claims, bureaus=3), "--out", str(tmp_path)])
    assert "below the 3" not in " ".join(ended.out.split())


def test_a_second_run_takes_the_place_of_the_first(out: Path, claims: str, tmp_path: Path) -> None:
    given = [*arguments(claims, bureaus=3, clusters=2), "--out", str(tmp_path)]
    (tmp_path / "result.json").write_bytes((out / "result.json").read_bytes())
    assert main(given) == 0
    assert json.loads((tmp_path / "result.json").read_text())["n_clusters"] == 2
    assert {path.name for path in tmp_path.iterdir()} == FILES


def with_canary(changes: dict[str, str] | None = None) -> pa.Table:
    """Claims whose every text of the third row is a canary, except for some columns."""
    table = generated()[:40]
    for place, name in enumerate(table.schema.names):
        column = table[name]
        if pa.types.is_dictionary(column.type) or pa.types.is_string(column.type):
            values = column.to_pylist()
            values[2] = (changes or {}).get(name, CANARY)
            table = table.set_column(place, name, [values])
    return table


def _truncated(path: Path) -> str:
    whole = Path(parquet_file(path, with_canary())).read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    return str(path)


def _text(name: str, held: bytes) -> Callable[[Path], list[str]]:
    def make(directory: Path) -> list[str]:
        (directory / name).write_bytes(held)
        return [str(directory / name)]

    return make


def _ragged(directory: Path) -> list[str]:
    path = csv_file(directory / "ragged.csv", with_canary())
    with Path(path).open("a") as file:
        file.write(f"{CANARY},{CANARY}\n")
    return [path]


def _all_refused(directory: Path) -> list[str]:
    table = with_canary()[2:3]
    return [parquet_file(directory / "refused.parquet", pa.concat_tables([table] * 3))]


WRONG: dict[str, tuple[Callable[[Path], list[str]], str]] = {
    "no such file": (lambda directory: [str(directory / "none.csv")], "there is no file"),
    "a directory": (lambda directory: [str(directory)], "there is no file"),
    "an empty file": (_text("empty.csv", b""), "is empty"),
    "a header and no row": (_text("header.csv", ",".join(generated().schema.names).encode() + b"\n"), ""),
    "noise": (_text("noise.csv", bytes(range(256)) * 9), ""),
    "noise named parquet": (_text("noise.parquet", bytes(range(1, 256)) * 9), ""),
    "compressed": (_text("claims.csv", b"\x1f\x8b" + bytes(20)), "compressed"),
    "truncated": (lambda directory: [_truncated(directory / "cut.parquet")], ""),
    "a missing column": (
        lambda directory: [parquet_file(directory / "m.parquet", with_canary().drop_columns(["diag_code"]))],
        "'diag_code'",
    ),
    "a row too short": (_ragged, ""),
    "a column that names persons": (
        lambda directory: [
            parquet_file(directory / "p.parquet", with_canary().append_column("psn_name", pa.array([CANARY] * 40)))
        ],
        "psn_name",
    ),
    "identity numbers in a code": (
        lambda directory: [parquet_file(directory / "i.parquet", with_canary({"diag_code": IDENTITY}))],
        "'diag_code'",
    ),
    "only rows that are refused": (_all_refused, "no claim was accepted"),
}


@pytest.mark.parametrize(("make", "reason"), WRONG.values(), ids=WRONG)
def test_wrong_claims_end_with_code_3_one_line_and_no_value(
    make: Callable[[Path], list[str]], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    ended = Ended(capsys, [*arguments(*make(tmp_path / "in"), bureaus=3), "--out", str(tmp_path / "out")])
    assert ended.code == 3
    assert ended.last_line().startswith("fedclaims-simulate: ")
    assert reason in ended.last_line()
    assert ended.err.count("fedclaims-simulate: ") == 1
    for secret in ("Traceback", "CANARY", "Jane", IDENTITY):
        assert secret not in ended.err + ended.out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", [None, "Jane\n" + CANARY, CANARY * 9])
def test_bureaus_that_cannot_be_named_end_with_code_3_and_no_value(
    name: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = generated()[:40].append_column("office", pa.array(["north"] * 39 + [name]))
    path = parquet_file(tmp_path / "claims.parquet", table)
    ended = Ended(capsys, [*arguments(path, bureau_column="office"), "--out", str(tmp_path / "out")])
    assert ended.code == 3
    assert "column 'office' names no bureau for some claims" in ended.last_line()
    assert "CANARY" not in ended.err + ended.out
    assert not (tmp_path / "out").exists()


def test_a_bureau_column_that_is_not_there_ends_with_code_3(
    claims: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = Ended(capsys, [*arguments(claims, bureau_column="office"), "--out", str(tmp_path / "out")])
    assert ended.code == 3
    assert ended.last_line() == "fedclaims-simulate: there is no column 'office' to split by"


def test_rows_that_are_refused_among_good_ones_are_counted_and_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = parquet_file(tmp_path / "claims.parquet", with_canary({"diag_code": "CANARY!?"}))
    out = tmp_path / "out"
    ended = Ended(capsys, [*arguments(path, bureaus=3, clusters=2), "--out", str(out)])
    assert ended.code == 0
    result = json.loads((out / "result.json").read_text())
    assert sum(result["rows_rejected"].values()) == 1
    held = [ended.out, ended.err, *((out / name).read_text() for name in FILES)]
    assert not any("CANARY" in text or "Jane" in text for text in held)


@pytest.mark.parametrize("engine_fails_with", [KeyboardInterrupt, MemoryError, OSError])
def test_a_failure_on_the_way_leaves_the_results_of_the_run_before(
    engine_fails_with: type[BaseException], out: Path, claims: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in FILES:
        (tmp_path / name).write_bytes((out / name).read_bytes())

    def failing(*_: object) -> object:
        raise engine_fails_with

    monkeypatch.setattr(command, "render_report", failing)
    given = [*arguments(claims, bureaus=3), "--out", str(tmp_path)]
    if engine_fails_with is MemoryError:
        with pytest.raises(MemoryError):
            main(given)
    else:
        assert main(given) == (130 if engine_fails_with is KeyboardInterrupt else 3)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        name: (out / name).read_bytes() for name in FILES
    }


def test_fewer_claims_than_clusters_end_with_code_4(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = parquet_file(tmp_path / "few.parquet", generated()[:7])
    ended = Ended(capsys, [*arguments(path, bureaus=2), "--out", str(tmp_path / "out")])
    assert ended.code == 4
    assert ended.last_line() == (
        "fedclaims-simulate: 7 claims cannot form 8 clusters: ask for fewer, or bring more claims"
    )
    assert not (tmp_path / "out").exists()


def test_more_clusters_than_any_plan_has_end_with_code_4(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended = Ended(capsys, ["--clusters", "5000", "--out", str(tmp_path / "out")])
    assert (ended.code, len(ended.err.splitlines())) == (4, 1)


def test_options_that_contradict_each_other_end_with_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--claims", "a.csv"])
    assert ended.value.code == 2
    assert "--claims needs --mapping" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_to_is_told_before_the_work(
    claims: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    ended = Ended(capsys, [*arguments(claims, bureaus=3), "--out", str(tmp_path / "file")])
    assert ended.code == 3
    assert ended.err == f"fedclaims-simulate: {tmp_path / 'file'}: File exists\n"
    assert (tmp_path / "file").read_text() == "mine"


LAUNCH = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from simulations.command import main; sys.exit(main())"
)


def environment(directory: Path) -> dict[str, str]:
    """As a person has it: no switches that a test runner's terminal leaves behind."""
    odd = {"FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS"}
    kept = {name: value for name, value in os.environ.items() if name not in odd}
    return kept | {"TMPDIR": str(directory), "TERM": "xterm-256color"}


@pytest.mark.parametrize("moment", ["reading claims", "  round 11"])
def test_ctrl_c_ends_with_code_130_and_leaves_no_debris(moment: str, tmp_path: Path) -> None:
    scratch, out = tmp_path / "scratch", tmp_path / "out"
    scratch.mkdir()
    given = ["--bureaus", "4", "--claims-total", "60000", "--clusters", "40", "--out", str(out)]
    with subprocess.Popen(  # noqa: S603  the command under test
        [sys.executable, "-c", LAUNCH, *given], stderr=subprocess.PIPE, text=True, env=environment(scratch)
    ) as process:
        assert process.stderr is not None
        seen = []
        for line in process.stderr:
            seen.append(line)
            if line.startswith(moment):
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
        assert process.wait(60) == 130, "".join(seen) + rest
    assert rest.splitlines()[-1] == "fedclaims-simulate: interrupted; nothing was written"
    assert "Traceback" not in rest
    assert list(tmp_path.iterdir()) == [scratch]
    assert list(scratch.iterdir()) == []


def test_a_terminal_gets_a_moving_bar(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    given = ["--bureaus", "3", "--claims-total", "2000", "--clusters", "3", "--no-reference", "--out", str(tmp_path)]
    with subprocess.Popen(  # noqa: S603  the command under test
        [sys.executable, "-c", LAUNCH, *given], stderr=theirs, stdout=subprocess.PIPE, env=environment(tmp_path)
    ) as process:
        os.close(theirs)
        text = _everything(ours)
        assert process.stdout is not None
        plain = process.stdout.read()
        assert process.wait(60) == 0
    assert "clustering together" in text
    assert "━" in text
    assert "\x1b[?25l" in text, "the cursor is hidden"
    assert "\x1b[?25h" in text, "and shown again"
    assert b"\x1b" not in plain, "the table goes to a pipe"


def _everything(descriptor: int) -> str:
    held, deadline = b"", time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            piece = os.read(descriptor, 65_536)
        except OSError:  # what a terminal gives when the other end is closed
            break
        if not piece:
            break
        held += piece
    os.close(descriptor)
    return held.decode(errors="replace")
