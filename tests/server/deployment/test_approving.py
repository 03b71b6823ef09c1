"""An auditor signs a published model from its files; a bureau that wants both signatures then takes it."""

import json
from pathlib import Path

import pytest

from common.consortium.publishing import SignedPublication, insist_signed
from common.consortium.roster import Role
from server.command import main
from server.consortium.files import write_key
from tests.client.deployment.test_arrivals import HELD, publication
from tests.common.consortium.rosters import MEMBERS, identity, member, roster
from tests.common.consortium.test_publishing import signed

BOTH = frozenset({Role.COORDINATOR, Role.AUDITOR})
AUDITED = roster(members=tuple(sorted((*MEMBERS, member("auditor", 9, Role.AUDITOR)), key=lambda one: one.name)))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "publication.json").write_bytes(signed(publication()).to_json())
    (tmp_path / "model.json").write_bytes(HELD)
    write_key(tmp_path / "auditor.key", identity(9), None)
    return tmp_path


def approve(files: Path, *more: str) -> int:
    given = [str(files / "publication.json"), str(files / "model.json"), "--name", "auditor"]
    return main(["models", "approve", *given, "--key", str(files / "auditor.key"), "--out", str(files / "o"), *more])


def test_the_auditor_s_signature_is_added_to_the_coordinator_s(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert approve(files, "--json") == 0
    assert json.loads(capsys.readouterr().out)["version"] == 1
    found = SignedPublication.from_json((files / "o").read_bytes())
    insist_signed(found, AUDITED, BOTH)


def test_a_model_that_is_another_one_is_not_signed(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "model.json").write_bytes(HELD + b"\n")
    assert approve(files) == 5
    assert "get both again" in capsys.readouterr().err
    assert not (files / "o").exists()


def test_nothing_is_written_over_and_missing_files_are_named(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert approve(files) == 0
    assert approve(files) == 3
    (files / "model.json").unlink()
    assert approve(files) == 3
    assert "model.json" in capsys.readouterr().err
