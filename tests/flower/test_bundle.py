import tomllib
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from flwr.cli.build import build_fab_from_disk
from flwr.cli.config_utils import load_and_validate

from simulations.flower.bundle import COMPONENTS, write_app
from simulations.flower.hosting import EXCHANGE_KEY
from tests.flower.test_own_world import config

# Flower asks pathspec for a class by its old name.
pytestmark = pytest.mark.filterwarnings("ignore:GitWildMatchPattern:DeprecationWarning")

CHECKOUT = Path(__file__).parents[2]
NO_CODE = ["pyproject.toml", ".info/CONTENT"]


def files_in(app: Path) -> list[str]:
    with zipfile.ZipFile(BytesIO(build_fab_from_disk(app))) as bundle:
        return bundle.namelist()


def app_table(app: Path) -> dict[str, dict[str, object]]:
    with (app / "pyproject.toml").open("rb") as held:
        found: dict[str, dict[str, object]] = tomllib.load(held)["tool"]["flwr"]["app"]
        return found


@pytest.fixture
def engines_app(tmp_path: Path) -> Path:
    write_app(tmp_path / "app", "1.2.3", Path('/tmp/a "quoted" path'))  # noqa: S108
    return tmp_path / "app"


def test_the_checkouts_bundle_holds_no_code_and_no_data() -> None:
    assert files_in(CHECKOUT) == NO_CODE


def test_the_engines_bundle_holds_no_code_even_if_files_lie_beside_it(engines_app: Path) -> None:
    for name in ("claims.json", "code.py", "notes.md", "pyproject.toml.md"):
        (engines_app / name).write_text("{}")
    assert files_in(engines_app) == NO_CODE


def test_without_the_include_list_everything_would_travel(engines_app: Path) -> None:
    (engines_app / "claims.json").write_text("{}")
    project = engines_app / "pyproject.toml"
    project.write_text(project.read_text().replace("fab-include", "# fab-include"))
    assert "claims.json" in files_in(engines_app)


def test_flower_accepts_both_apps_and_finds_their_components(engines_app: Path) -> None:
    for app in (CHECKOUT, engines_app):
        load_and_validate(app / "pyproject.toml")
        assert app_table(app)["components"] == COMPONENTS


def test_the_engines_app_names_its_exchange_exactly(engines_app: Path) -> None:
    assert app_table(engines_app)["config"] == {EXCHANGE_KEY: '/tmp/a "quoted" path'}  # noqa: S108


def test_the_checkouts_configuration_has_every_key_that_a_plain_run_reads() -> None:
    assert app_table(CHECKOUT)["config"].keys() == config().keys()
