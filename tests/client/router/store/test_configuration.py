"""service.toml: what it may say, and that a new one says what is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.ledger.errors import KeyFileError
from client.router.configuration import RouterConfiguration, load_router_configuration
from client.router.place import RouterPlace, begin_router
from common.errors import InputError


@pytest.fixture
def place(tmp_path: Path) -> RouterPlace:
    return begin_router(tmp_path / "router")


def test_a_new_file_says_every_default(place: RouterPlace) -> None:
    found = load_router_configuration(place.configuration)
    assert found == RouterConfiguration.model_validate({"claims": {"mapping": "nhsa_4101_wide"}})


def test_a_new_directory_is_its_owners_alone(place: RouterPlace) -> None:
    for path in (place.root, *place.root.iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path


def test_what_exists_is_never_written_over(place: RouterPlace) -> None:
    held = place.pseudonym_key.read_bytes()
    with pytest.raises(InputError):
        begin_router(place.root)
    assert place.pseudonym_key.read_bytes() == held
    assert [path.name for path in place.root.parent.iterdir()] == ["router"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('log = "info"', 'log = "info"\nunknown = 1'),
        ('log = "info"', 'log = "loud"'),
        ('url = "sqlite:///store.sqlite"\n\n[models]', 'url = "sqlite://"\n\n[models]'),
        ('url = "sqlite:///store.sqlite"\n\n[models]', 'url = "postgresql+psycopg://a:secret@h/d"\n\n[models]'),
        ('url = "sqlite:///store.sqlite"\n\n[models]', 'url = "postgresql+psycopg://h/d?password=secret"\n\n[models]'),
        ('roles = ["coordinator"]', "roles = []"),
        ('roles = ["coordinator"]', 'roles = ["friend"]'),
        ("connections = 64", "connections = 0"),
        ("waiting = 16384", "waiting = 0"),
        ("[claims]", "[claims"),
    ],
)
def test_what_it_may_not_say_is_refused_and_no_secret_shown(place: RouterPlace, old: str, new: str) -> None:
    text = place.configuration.read_text()
    assert old in text
    place.configuration.write_text(text.replace(old, new))
    with pytest.raises(InputError) as found:
        load_router_configuration(place.configuration)
    assert "secret" not in str(found.value)


def test_a_key_that_others_may_read_is_not_used(place: RouterPlace) -> None:
    place.pseudonym_key.chmod(0o644)
    with pytest.raises(KeyFileError):
        place.read_pseudonym_key()
    place.pseudonym_key.chmod(0o600)
    place.pseudonym_key.write_bytes(b"short")
    with pytest.raises(KeyFileError):
        place.read_pseudonym_key()
