"""A thousand planted strings: none of them leaves a bureau, whatever goes wrong, by any way that can be looked at."""

from __future__ import annotations

import base64
import json
import logging
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from client.ledger.sessions import Sessions
from client.ledger.vectors import Vectors
from client.station import Station
from common.errors import FedclaimsError
from common.masked_messages import Invite, MaskedOffer
from common.messages import RefusalCode
from common.plan import Plan, Protection
from common.wire import decode, encode
from server.session import SessionReport
from simulations.bureaus import Bureaus, FileClaims, gather_bureaus
from simulations.command import main
from simulations.conducting import conduct
from simulations.loopback import Answer, Loopback
from simulations.terms import fitted
from tests.simulations.claim_files import MAPPING, generated, parquet_file
from tests.simulations.private_plans import world_plan

MARK = "CANARY-Jane-Doe"
N_CANARIES = 1000
FORMS = (
    MARK.encode(),
    MARK.lower().encode(),
    MARK.encode("utf-16-le"),
    MARK.encode().hex().encode(),
    *(base64.b64encode(b"x" * lead + MARK.encode())[4 if lead else 0 : -4] for lead in range(3)),
)
"""How a canary would look; the last ones in base64, at each of its three places. Long enough not to come by chance."""


def canary(number: int) -> str:
    return f"{MARK}-{number:04}"


def found_in(held: bytes) -> bool:
    return any(form in held for form in FORMS)


def planted() -> tuple[pa.Table, int]:
    """Claims with a canary in every text column, row by row: some rows are refused for it, some are not."""
    table = generated()
    texts = [
        place
        for place, kind in enumerate(table.schema.types)
        if pa.types.is_string(kind) or pa.types.is_dictionary(kind)
    ]
    columns = {place: table.column(place).to_pylist() for place in texts}
    for number in range(N_CANARIES):
        place = texts[number % len(texts)]
        columns[place][number] = canary(number)
    for place, values in columns.items():
        table = table.set_column(place, table.schema.names[place], pa.array(values, pa.string()))
    return table, len(texts)


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory) -> str:
    return parquet_file(tmp_path_factory.mktemp("claims") / "claims.parquet", planted()[0])


@pytest.fixture(scope="module")
def bureaus(claims: str) -> Iterator[Bureaus]:
    plan = world_plan()
    files = FileClaims(paths=[claims], mapping_name=MAPPING, bureau_column=None, n_bureaus=5, seed=1)
    found = gather_bureaus(files, plan.features, plan.cost_cap_yuan)
    yield found
    found.close()


def plan_for(bureaus: Bureaus) -> Plan:
    plan = world_plan(2, Protection.SECURE, epsilon_thousandths=100_000)
    return fitted(plan, 5, bureaus.n_claims, bureaus.n_persons)


def test_the_canaries_are_in_the_claims_and_many_of_them_in_rows_that_are_accepted(
    claims: str, bureaus: Bureaus
) -> None:
    table, n_columns = planted()
    held = [value for column in table.columns if column.type == pa.string() for value in column.to_pylist()]
    assert sum(MARK in (value or "") for value in held) == N_CANARIES
    assert n_columns >= 8
    assert found_in(Path(claims).read_bytes())
    assert sum(bureaus.report.rejected.values()) > 50
    assert bureaus.n_claims > len(table) - N_CANARIES, "some rows with a canary are claims"


class Outside:
    """Everything of a run that somebody outside a bureau could look at, and what the bureau itself writes."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.told: list[str] = []

    def listening(self, stations: Mapping[str, Answer]) -> dict[str, Answer]:
        """The stations, with every byte to and from them noted."""

        def noted(answer: Answer) -> Answer:
            def answered(request: bytes) -> bytes:
                reply = answer(request)
                self.sent.extend((request, reply))
                return reply

            return answered

        return {name: noted(answer) for name, answer in stations.items()}

    def look_at(self, report: SessionReport) -> None:
        self.sent.append(report.model.to_json())
        self.sent.append(report.model.plan.canonical())
        self.told.append(repr(report))

    def look_into(self, directory: Path) -> None:
        self.sent.extend(path.read_bytes() for path in directory.rglob("*") if path.is_file())
        self.told.extend(str(path) for path in directory.rglob("*"))

    def hear(self, error: BaseException) -> None:
        self.told.append("".join(traceback.format_exception(error)))

    def canaries(self, log: pytest.LogCaptureFixture) -> bool:
        logged = [log.text, *(f"{record.getMessage()} {record.__dict__}" for record in log.records)]
        return any(map(found_in, [*self.sent, *(text.encode() for text in [*self.told, *logged])]))


def stations_in(stations: Mapping[str, Answer]) -> list[Station]:
    return [answer.__self__ for answer in stations.values()]  # type: ignore[attr-defined]


def run_with(bureaus: Bureaus, break_it: Callable[[Any, pytest.MonkeyPatch], object]) -> Outside:
    """A run of five bureaus, one of which is broken; its ledgers and all that was sent are looked at."""
    outside, plan = Outside(), plan_for(bureaus)
    with bureaus.stations(plan, 1) as stations, pytest.MonkeyPatch.context() as patch:
        held = stations_in(stations)
        break_it(held[0], patch)
        try:
            with Loopback(outside.listening(stations), 1) as transport:
                outside.look_at(conduct(plan, tuple(sorted(stations)), transport, lambda _: None, outside.sent.append))
        except (FedclaimsError, KilledError) as error:
            outside.hear(error)
        for station in held:
            assert station._releases is not None
            outside.look_into(station._releases._ledger.sessions._directory.parent)
    return outside


class KilledError(BaseException):
    """The process is gone."""


def raising(kind: type[BaseException]) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> object:
        raise kind(canary(1))

    return fail


def later(real: Callable[..., Any], calls: int, kind: type[BaseException]) -> Callable[..., Any]:
    """Works so many times, then raises."""
    left = iter(range(calls))

    def step(*given: object, **named: object) -> object:
        return real(*given, **named) if next(left, None) is not None else raising(kind)()

    return step


def desk_of(station: Any) -> Any:
    return station._desk


def in_rows_for(station: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(desk_of(station), "_rows_for", raising(ValueError))


def in_rows_for_with_our_own_error(station: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(desk_of(station), "_rows_for", raising(FedclaimsError))


def in_an_answer(station: Any, patch: pytest.MonkeyPatch) -> None:
    class Rows:
        def answer(self, *_: object) -> object:
            raise KeyError(canary(2))

    patch.setattr(desk_of(station), "_rows_for", lambda _: Rows())


def in_noise(station: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(station._releases, "_seed_bytes", later(station._releases._seed_bytes, 2, RuntimeError))


def in_the_policy(station: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(type(station._policy), "objection_to_plan", raising(TypeError))


def in_keeping_a_vector(_: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Vectors, "keep", later(Vectors.keep, 7, OSError))


def in_keeping_a_session(_: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Sessions, "keep", later(Sessions.keep, 12, OSError))


def in_restoring(_: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Sessions, "kept", raising(UnicodeError))


def killed_in_a_round(station: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(station._releases, "kept_or_new", later(station._releases.kept_or_new, 3, KilledError))


def killed_at_the_door(station: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(desk_of(station), "_rows_for", raising(KilledError))


def nothing(_: Any, __: pytest.MonkeyPatch) -> None:
    """All goes well."""


STAGES = [
    nothing,
    in_rows_for,
    in_rows_for_with_our_own_error,
    in_an_answer,
    in_noise,
    in_the_policy,
    in_keeping_a_vector,
    in_keeping_a_session,
    in_restoring,
]
KILLED = [killed_in_a_round, killed_at_the_door]


@pytest.mark.parametrize("stage", STAGES)
def test_no_canary_leaves_a_bureau_whatever_fails_inside_it(
    stage: Callable[[Any, pytest.MonkeyPatch], object], bureaus: Bureaus, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    outside = run_with(bureaus, stage)
    assert len(outside.sent) > 20
    assert caplog.records or stage is nothing, "the failure was noticed"
    assert not outside.canaries(caplog)


@pytest.mark.parametrize("stage", KILLED)
def test_a_bureau_that_is_killed_has_sent_and_kept_no_canary(
    stage: Callable[[Any, pytest.MonkeyPatch], object], bureaus: Bureaus, caplog: pytest.LogCaptureFixture
) -> None:
    """What Python says of the death itself stays with the process that died."""
    caplog.set_level(logging.DEBUG)
    outside = run_with(bureaus, stage)
    outside.told = [text for text in outside.told if "KilledError" not in text]
    assert not outside.canaries(caplog)


def bent_requests(sent: Iterable[bytes]) -> Iterator[bytes]:
    """Requests of a run, each wrong in some way, and bytes that are none."""
    for held in sent:
        message = decode(held)
        if isinstance(message, MaskedOffer):
            yield encode(message.model_copy(update={"plan": b"{}"}))
            yield encode(message.model_copy(update={"plan": message.plan.replace(b'"', b"'")}))
            yield encode(message.model_copy(update={"coordinator": "x"}))
        if isinstance(message, Invite):
            yield encode(message.model_copy(update={"cost": 1}))
            yield encode(message.model_copy(update={"centroids": b""}))
            yield encode(message.model_copy(update={"signature": b""}))
        yield held
        yield held[:-1]
    yield from (b"", b"\x00", bytes(range(256)))


def test_refusals_say_a_code_and_no_canary(bureaus: Bureaus, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    outside, plan, transcript = Outside(), plan_for(bureaus), list[bytes]()
    with bureaus.stations(plan, 1) as stations, Loopback(stations, 1) as transport:
        conduct(plan, tuple(sorted(stations)), transport, lambda _: None, transcript.append)
        listened = outside.listening(stations)
        for request in bent_requests(transcript[:60]):
            listened[min(stations)](request)
    assert len(outside.sent) > 100
    assert any(decode(reply).kind == "refusal" for reply in outside.sent[1::2])
    assert not outside.canaries(caplog)


def test_the_command_writes_no_canary_to_any_file_or_stream(
    claims: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    given = ["--claims", claims, "--mapping", MAPPING, "--bureaus", "5", "--clusters", "2", "--epsilon", "100"]
    assert main([*given, "--no-reference", "--out", str(tmp_path / "out")]) == 0
    outside = Outside()
    outside.look_into(tmp_path / "out")
    captured = capsys.readouterr()
    outside.told += [captured.out, captured.err]
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"transcript.bin", "model.json", "report.html"}
    assert json.loads((tmp_path / "out" / "result.json").read_text())["rows_rejected"]
    assert not outside.canaries(caplog)


@pytest.mark.parametrize("way", ["a reply", "a log line", "a record's field", "a file", "an error", "base64", "hex"])
def test_the_detector_finds_a_canary_by_every_way(way: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    outside, secret = Outside(), canary(7)
    assert not outside.canaries(caplog)
    match way:
        case "a reply":
            outside.listening({"north": lambda _: secret.encode()})["north"](b"")
        case "a log line":
            logging.getLogger("client.station").debug("claim %s", secret)
        case "a record's field":
            logging.getLogger("client.station").debug("claim", extra={"fields": {"claim": secret}})
        case "a file":
            (tmp_path / "ledger.chain").write_bytes(b"..." + secret.encode("utf-16-le"))
            outside.look_into(tmp_path)
        case "an error":
            outside.hear(ValueError(secret))
        case "base64":
            outside.sent.append(base64.b64encode(b"claim " + secret.encode()))
        case "hex":
            outside.sent.append(secret.encode().hex().encode())
    assert outside.canaries(caplog)


@pytest.mark.parametrize("lead", range(6))
def test_base64_is_seen_through_at_every_place(lead: int) -> None:
    assert found_in(base64.b64encode(b"x" * lead + canary(3).encode()))


def test_a_station_that_leaked_would_be_noticed(bureaus: Bureaus, caplog: pytest.LogCaptureFixture) -> None:
    """The twin of the tests above: one canary among all that is sent."""

    def telling(error: Exception) -> RefusalCode:
        logging.getLogger("client.station").error("%s", error)
        return RefusalCode.INTERNAL

    def leaks(station: Any, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(station._releases, "head", raising(ValueError))
        patch.setattr(station, "_code_of", telling)

    caplog.set_level(logging.DEBUG)
    assert run_with(bureaus, leaks).canaries(caplog)
