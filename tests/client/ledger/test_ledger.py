"""Reserve, make durable, draw, persist, send; and a retry gets the same bytes."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from client.ledger import durable
from client.ledger.chain import Head
from client.ledger.errors import BrokenLedgerError, BudgetError, KeyFileError, LedgerBusyError, ReleaseError
from client.ledger.ledger import CHAIN_FILE, KEY_FILE, VECTORS, Ledger
from client.ledger.release import Charge, ReleaseId
from client.ledger.spending import Limit, Limits
from common.accounting.guarantee import Neighbouring, Unit
from common.errors import EngineError, InputError
from tests.client.ledger.releases import (
    NOON,
    QUESTION,
    UNLIMITED,
    Clock,
    charge,
    filled,
    new_ledger,
    release,
    reopened,
)

DAY = 86_400


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


def test_a_retry_gets_the_same_bytes_and_is_not_charged(directory: Path) -> None:
    with new_ledger(directory) as ledger:
        ledger.reserve(release(), charge(5), UNLIMITED).persist(b"noised")
        assert ledger.vector_of(release()) == b"noised"
        assert ledger.spending.total == 5


def test_a_retry_after_a_restart_gets_the_same_bytes(directory: Path) -> None:
    ledger = new_ledger(directory)
    ledger.reserve(release(), charge(), UNLIMITED).persist(b"noised")
    with reopened(ledger, directory) as again:
        assert again.vector_of(release()) == b"noised"
        assert again.spending.total == 5


def test_what_was_reserved_and_not_kept_stays_spent_and_is_never_drawn_again(directory: Path) -> None:
    ledger = new_ledger(directory)
    ledger.reserve(release(), charge(5), UNLIMITED)
    with reopened(ledger, directory) as again:
        assert again.vector_of(release()) is None
        assert again.spending.total == 5
        with pytest.raises(ReleaseError, match="never drawn again"):
            again.reserve(release(), charge(5), UNLIMITED)


def test_a_release_is_kept_once(directory: Path) -> None:
    with new_ledger(directory) as ledger:
        reservation = ledger.reserve(release(), charge(), UNLIMITED)
        reservation.persist(b"first")
        with pytest.raises(ReleaseError, match="kept already"):
            reservation.persist(b"second")
        assert ledger.vector_of(release()) == b"first"


def test_another_question_in_the_same_round_is_refused(directory: Path) -> None:
    with new_ledger(directory) as ledger:
        ledger.reserve(release(), charge(), UNLIMITED).persist(b"noised")
        other = release(question="dd" * 32)
        with pytest.raises(ReleaseError, match="another question"):
            ledger.vector_of(other)
        with pytest.raises(ReleaseError):
            ledger.reserve(other, charge(), UNLIMITED)


def test_a_release_nobody_asked_for_has_no_vector(directory: Path) -> None:
    with new_ledger(directory) as ledger:
        assert ledger.vector_of(release()) is None


def test_a_charge_beyond_a_limit_is_refused_and_leaves_no_trace(directory: Path) -> None:
    limits = Limits(release=5, session=100, data_version=100, year=100, releases_per_day=100)
    with new_ledger(directory) as ledger:
        before = (directory / CHAIN_FILE).read_bytes()
        with pytest.raises(BudgetError) as refused:
            ledger.reserve(release(), charge(6), limits)
        assert refused.value.limit is Limit.RELEASE
        assert (directory / CHAIN_FILE).read_bytes() == before
        ledger.reserve(release(), charge(5), limits)


def test_a_year_counts_over_sessions_and_restarts(directory: Path) -> None:
    limits = Limits(release=10, session=10, data_version=100, year=10, releases_per_day=100)
    ledger = new_ledger(directory)
    ledger.reserve(release(session=1), charge(6), limits)
    with reopened(ledger, directory) as again, pytest.raises(BudgetError) as refused:
        again.reserve(release(session=2), charge(6), limits)
    assert refused.value.limit is Limit.YEAR


def test_a_clock_that_goes_back_frees_nothing(directory: Path) -> None:
    limits = Limits(release=10, session=99, data_version=99, year=10, releases_per_day=100)
    clock = Clock()
    with new_ledger(directory, clock) as ledger:
        ledger.reserve(release(1), charge(6), limits)
        clock.now = NOON - 10 * 366 * DAY
        with pytest.raises(BudgetError):
            ledger.reserve(release(1, session=2), charge(6), limits)
        ledger.reserve(release(2), charge(4), limits)
        clock.now = NOON + 366 * DAY
        ledger.reserve(release(3), charge(10), limits)


def test_a_second_process_is_refused_and_told_why(directory: Path) -> None:
    opening = (
        "import sys; from pathlib import Path; from client.ledger.ledger import Ledger\n"
        "try: Ledger.open(Path(sys.argv[1]), clock=lambda: 0)\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    with new_ledger(directory):
        command = [sys.executable, "-c", opening, str(directory)]
        ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603  our own Python
    assert ran.stdout.startswith("LedgerBusyError another process writes the ledger")


def test_the_same_process_cannot_open_it_twice_until_it_is_closed(directory: Path) -> None:
    ledger = new_ledger(directory)
    with pytest.raises(LedgerBusyError):
        Ledger.open(directory, clock=Clock())
    reopened(ledger, directory).close()


def test_a_failed_opening_does_not_keep_the_lock(directory: Path) -> None:
    ledger = new_ledger(directory)
    head = ledger.head()
    ledger.close()
    with pytest.raises(BrokenLedgerError):
        Ledger.open(directory, clock=Clock(), seen=Head(number=7, digest=head.digest))
    Ledger.open(directory, clock=Clock(), seen=head).close()


def test_everything_is_on_the_disk_before_reserve_returns(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []
    write, sync = os.write, os.fsync
    with new_ledger(directory) as ledger:
        monkeypatch.setattr(durable.os, "write", lambda *given: (happened.append("write"), write(*given))[1])
        monkeypatch.setattr(durable.os, "fsync", lambda file: (happened.append(_kind(file)), sync(file))[1])
        reservation = ledger.reserve(release(), charge(), UNLIMITED)
        assert happened == ["write", "sync chain"]
        reservation.persist(b"noised")
        assert happened[2:] == ["write", "sync vector", "sync directory", "write", "sync chain"]


def test_after_a_failed_write_nothing_more_is_written(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    ledger = new_ledger(directory)
    with monkeypatch.context() as patch:
        patch.setattr(durable.os, "fsync", full)
        with pytest.raises(EngineError, match="could not be written"):
            ledger.reserve(release(1), charge(), UNLIMITED)
    with pytest.raises(EngineError, match="start the station again"):
        ledger.reserve(release(2), charge(), UNLIMITED)
    with reopened(ledger, directory) as again:
        assert again.vector_of(release(1)) is None


def test_a_vector_that_could_not_be_kept_is_spent(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    ledger = new_ledger(directory)
    reservation = ledger.reserve(release(1), charge(), UNLIMITED)
    with monkeypatch.context() as patch:
        patch.setattr(durable.os, "write", full)
        with pytest.raises(EngineError, match="must not be sent"):
            reservation.persist(b"noised")
    with reopened(ledger, directory) as again:
        assert again.vector_of(release(1)) is None


def test_the_key_file_is_for_its_owner_alone(directory: Path) -> None:
    new_ledger(directory).close()
    assert stat.S_IMODE((directory / KEY_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o660])
def test_a_key_file_open_to_others_is_refused(directory: Path, mode: int) -> None:
    new_ledger(directory).close()
    (directory / KEY_FILE).chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        Ledger.open(directory, clock=Clock())


def test_a_key_file_that_is_a_link_is_refused(directory: Path) -> None:
    new_ledger(directory).close()
    (directory / KEY_FILE).rename(directory / "elsewhere")
    (directory / KEY_FILE).symlink_to("elsewhere")
    with pytest.raises(KeyFileError, match="plain file"):
        Ledger.open(directory, clock=Clock())


def test_the_key_file_can_be_encrypted(directory: Path) -> None:
    new_ledger(directory, passphrase=b"a long one").close()
    assert b"ENCRYPTED" in (directory / KEY_FILE).read_bytes()
    for wrong in (None, b"another"):
        with pytest.raises(KeyFileError, match="passphrase"):
            Ledger.open(directory, clock=Clock(), passphrase=wrong)
    Ledger.open(directory, clock=Clock(), passphrase=b"a long one").close()


def test_another_ledgers_key_is_refused(directory: Path, tmp_path: Path) -> None:
    new_ledger(directory).close()
    new_ledger(tmp_path / "other").close()
    (tmp_path / "other" / KEY_FILE).rename(directory / KEY_FILE)
    with pytest.raises(BrokenLedgerError, match="another key"):
        Ledger.open(directory, clock=Clock())


def test_vectors_are_unreadable_at_rest(directory: Path) -> None:
    filled(directory)
    held = b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())
    assert b"noised" not in held


def test_a_deleted_vector_leaves_its_release_spent(directory: Path) -> None:
    filled(directory)
    for path in (directory / VECTORS).iterdir():
        path.unlink()
    with Ledger.open(directory, clock=Clock()) as ledger:
        assert ledger.vector_of(release(1)) is None
        with pytest.raises(ReleaseError):
            ledger.reserve(release(1), charge(), UNLIMITED)


def test_a_new_ledger_never_replaces_one(directory: Path) -> None:
    held = filled(directory)
    with pytest.raises(InputError, match="not empty"):
        Ledger.create(directory, clock=Clock())
    assert (directory / CHAIN_FILE).read_bytes() == held
    assert list(directory.parent.iterdir()) == [directory]


def test_a_missing_ledger_is_never_begun_anew_on_opening(directory: Path) -> None:
    filled(directory)
    (directory / CHAIN_FILE).unlink()
    with pytest.raises(InputError, match="there is no ledger"):
        Ledger.open(directory, clock=Clock())


def test_two_ledgers_never_share_a_head(tmp_path: Path) -> None:
    heads = {Ledger.create(tmp_path / str(number), clock=Clock()).digest for number in range(3)}
    assert len(heads) == 3


@pytest.mark.parametrize(
    "wrong", [{"session": b"short"}, {"fingerprint": "x"}, {"round": 0}, {"question": "cc" * 32 + "\n"}]
)
def test_a_release_that_no_entry_can_hold_is_refused(wrong: dict[str, object]) -> None:
    right: dict[str, object] = {"session": bytes(16), "fingerprint": QUESTION, "round": 1, "question": QUESTION}
    ReleaseId(**right)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="release is named"):
        ReleaseId(**right | wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"rho": 0}, {"rho": -1}, {"data_version": "Zhang San, 1961"}, {"data_version": ""}])
def test_a_charge_that_no_entry_can_hold_is_refused(wrong: dict[str, object]) -> None:
    right: dict[str, object] = {
        "rho": 1,
        "unit": Unit.PERSON,
        "neighbouring": Neighbouring.ADD_OR_REMOVE_ONE,
        "data_version": "2024-06",
    }
    Charge(**right)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"a charge is|a data version"):
        Charge(**right | wrong)  # type: ignore[arg-type]


def _kind(file: int) -> str:
    path = Path(f"/proc/self/fd/{file}").readlink()
    if path.is_dir():
        return "sync directory"
    return "sync chain" if path.name == CHAIN_FILE else "sync vector"
