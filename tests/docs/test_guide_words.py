"""What the guides name is there: files, units, keys of the configuration, options, the version of the registry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from server.command import main
from server.deployment.configuration import Configuration
from server.registry.schema import VERSION

ROOT = Path(__file__).parents[2]
GUIDES = tuple((ROOT / "docs" / f"{name}-guide.md").read_text() for name in ("coordinator", "bureau"))
COORDINATOR, BUREAU = GUIDES


@pytest.mark.parametrize("guide", GUIDES, ids=["coordinator", "bureau"])
def test_every_file_and_unit_that_a_guide_names_comes_along(guide: str) -> None:
    named = set(re.findall(r"\bdeploy/[a-z]+/[a-z*.-]+[a-z*]", guide))
    assert named
    for path in named:
        assert list(ROOT.glob(path)), path
    units = {path.name for path in (ROOT / "deploy").rglob("fedclaims-*")}
    assert set(re.findall(r"\bfedclaims-[a-z]+\.(?:service|timer|nft)\b", guide)) <= units


@pytest.mark.parametrize(("part", "key"), [("proxy", "operator"), ("authority", "key")])
def test_keys_of_the_configuration_that_the_guide_tells_of_are_keys(part: str, key: str) -> None:
    assert re.search(rf"`{key}( = true)?`\s+under\s+`\[{part}\]`", COORDINATOR)
    kind = Configuration.model_fields[part].annotation
    assert isinstance(kind, type)
    assert issubclass(kind, BaseModel)
    assert key in kind.model_fields


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("doctor",), "--clock-is-right"),
        (("proxy", "nginx"), "--operator-host"),
        (("proxy", "caddy"), "--out"),
        (("link", "revoke"), "--dir"),
        (("certificate", "renew"), "--dir"),
    ],
)
def test_options_that_the_guide_tells_of_are_options(
    words: tuple[str, ...], option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert " ".join(words) in re.sub(r"\s+", " ", COORDINATOR)
    assert option in COORDINATOR
    with pytest.raises(SystemExit):
        main([*words, "--help"])
    assert option in capsys.readouterr().out


def test_the_guide_says_which_version_of_the_registry_this_is() -> None:
    assert f"The registry has schema version {VERSION}." in COORDINATOR


def test_both_guides_say_that_a_revoked_link_is_made_anew() -> None:
    for guide in GUIDES:
        assert re.search(r"`link\s+init`\s+in\s+a\s+new\s+directory", guide)
