"""The guides, from an empty directory to a published model: every marked block of both, copied in order."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest

from common.consortium.publishing import SignedPublication
from tests.deployment.guided import GUIDES, SETTING, Consortium, blocks, consortium
from tests.server.proxy.doors import SBIN

SETTINGS = "settings"


def test_every_block_of_commands_that_needs_no_root_is_tried() -> None:
    for guide in GUIDES:
        text = guide.read_text()
        first_hour = text[text.index("## The first hour") : text.index("## What to check")]
        untried = re.findall(r"(?<!-->\n)```bash\n(.*?)```", first_hour, re.DOTALL)
        assert all("useradd" in code or "systemctl" in code for code in untried), untried


def test_turns_are_numbered_without_a_gap() -> None:
    turns = {block.turn for block in blocks()} - {SETTINGS}
    assert sorted(turns) == [f"{number:02}" for number in range(1, len(turns) + 1)]


def test_what_differs_from_place_to_place_is_set_in_one_block_of_each_guide() -> None:
    with consortium() as found:
        for person in found.everybody:
            (settings,) = [one for one in blocks() if (one.turn, one.role) == (SETTINGS, person.role)]
            assert set(SETTING.findall(settings.code)) == set(person.settings)


@pytest.mark.slow
@pytest.mark.flower
@pytest.mark.timeout(1800)
@pytest.mark.skipif(shutil.which("nginx", path=SBIN) is None, reason="nginx is not installed")
def test_whoever_copies_the_guides_has_a_published_model_in_every_station() -> None:
    with consortium() as found:
        follow(found)
        models = json.loads(found.coordinator.run('fedclaims-coordinator models --dir "$COORDINATOR" --json').stdout)
        assert [one["version"] for one in models] == [1]
        for bureau in found.bureaus:
            (folder,) = (Path(bureau.settings["STATION"]) / "models").iterdir()
            signed = SignedPublication.from_json((folder / "publication.json").read_bytes())
            assert signed.publication.digest == models[0]["digest"]
            model = (folder / "model.json").read_bytes()
            assert hashlib.sha256(model).hexdigest() == signed.publication.model_sha256


def follow(found: Consortium) -> None:
    for block in blocks():
        if block.turn != SETTINGS:
            look_first(found, block.turn)
            found.copy(block)


def look_first(found: Consortium, turn: str) -> None:
    """What the guides take for granted: that what was started is up by the time somebody types the next line."""
    if turn == "16":
        found.coordinator.until('fedclaims-coordinator doctor --dir "$COORDINATOR"')
        for bureau in found.bureaus:
            bureau.until('fedclaims-bureau link doctor --dir "$LINK"')
