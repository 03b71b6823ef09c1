"""The options: what goes together, what does not, and what no plan can have."""

from __future__ import annotations

import pytest

from common.accounting.guarantee import Guarantee, Unit
from common.errors import FedclaimsError, InputError, PlanError
from common.plan import Protection
from common.weighting import Weighting
from simulations.bureaus import FileClaims, WorldClaims
from simulations.job import Job
from simulations.options import DEFAULT_BUREAUS, DEFAULT_CLAIMS, contradiction, job_of, parser

FILES = ["--claims", "a.parquet", "b.parquet", "--mapping", "sih_sus", "--unit", "claim"]


def job(*given: str) -> Job:
    return job_of(parser().parse_args(given), list(given))


def test_without_options_eight_bureaus_cluster_generated_claims() -> None:
    found = job()
    assert isinstance(found.claims, WorldClaims)
    assert (found.claims.world.n_bureaus, found.claims.world.n_claims) == (DEFAULT_BUREAUS, DEFAULT_CLAIMS)
    assert (DEFAULT_BUREAUS, DEFAULT_CLAIMS) == (8, 200_000)
    assert found.plan.n_clusters == len(found.claims.world.groups), "as many clusters as known groups"
    assert found.plan.protection is Protection.SECURE
    assert found.plan.privacy is not None
    assert found.plan.privacy.guarantee == Guarantee(epsilon=1.0, delta=1e-6, unit=Unit.PERSON)
    assert found.plan.privacy.weighting is Weighting.SHARED
    assert (found.engine_name, found.with_reference, found.command) == ("loopback", True, "fedclaims-simulate")


def test_options_about_privacy_reach_the_plan() -> None:
    given = ["--protection", "noise", "--epsilon", "0.5", "--delta", "1e-7", "--claims-per-person", "4"]
    plan = job(*given).plan
    assert plan.protection is Protection.NOISE
    assert plan.privacy is not None
    assert plan.privacy.guarantee == Guarantee(epsilon=0.5, delta=1e-7, unit=Unit.PERSON)
    assert (plan.privacy.weighting, plan.privacy.claims_per_person) == (Weighting.CAPPED, 4)
    assert job("--protection", "none").plan.privacy is None


@pytest.mark.parametrize(
    "given",
    [["--epsilon", "0"], ["--epsilon", "101"], ["--epsilon", "1.0001"], ["--delta", "0.5"], ["--delta", "nan"]],
)
def test_figures_that_guarantee_nothing_are_refused(given: list[str]) -> None:
    with pytest.raises(SystemExit):
        job(*given)


def test_claims_of_nobody_in_particular_cannot_protect_persons() -> None:
    with pytest.raises(PlanError, match="add --unit claim"):
        job(*FILES[:5])


def test_options_reach_the_job() -> None:
    given = ["--bureaus", "3", "--claims-total", "500", "--clusters", "7", "--seed", "5"]
    given += ["--engine", "flower", "--no-reference"]
    found = job(*given)
    assert isinstance(found.claims, WorldClaims)
    assert (found.claims.world.n_bureaus, found.claims.world.n_claims, found.claims.world.seed) == (3, 500, 5)
    assert (found.plan.n_clusters, found.plan.seed) == (7, 5)
    assert (found.engine_name, found.with_reference) == ("flower", False)
    assert found.command == "fedclaims-simulate " + " ".join(given)


def test_files_and_a_column_reach_the_job() -> None:
    found = job(*FILES, "--bureau-column", "region")
    assert isinstance(found.claims, FileClaims)
    assert found.claims.paths == ["a.parquet", "b.parquet"]
    assert (found.claims.mapping_name, found.claims.bureau_column) == ("sih_sus", "region")
    assert found.plan.n_clusters == 32


def test_a_command_that_is_shown_can_be_pasted_into_a_shell() -> None:
    found = job("--claims", "my claims.csv", "--mapping", "sih_sus", "--bureau-column", "it's", "--unit", "claim")
    assert (
        found.command
        == """fedclaims-simulate --claims 'my claims.csv' --mapping sih_sus --bureau-column 'it'"'"'s' --unit claim"""
    )


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (["--claims", "a.csv"], "--claims needs --mapping"),
        ([*FILES, "--claims-total", "5"], "--claims-total is for generated claims"),
        (["--mapping", "sih_sus"], "go with --claims"),
        (["--bureau-column", "region"], "go with --claims"),
        ([*FILES, "--bureau-column", "region", "--bureaus", "3"], "exclude each other"),
        (["--protection", "none", "--epsilon", "1"], "--epsilon goes with a protection"),
        (["--unit", "claim", "--claims-per-person", "2"], "goes with --unit person"),
    ],
)
def test_options_that_contradict_each_other_are_told_apart(given: list[str], reason: str) -> None:
    problem = contradiction(parser().parse_args(given))
    assert problem is not None
    assert reason in problem


@pytest.mark.parametrize("given", [[], FILES, [*FILES, "--bureaus", "3"], [*FILES, "--bureau-column", "region"]])
def test_options_that_go_together_are_not_complained_of(given: list[str]) -> None:
    assert contradiction(parser().parse_args(given)) is None


@pytest.mark.parametrize(
    "given",
    [
        ["--bureaus", "0"],
        ["--bureaus", "-1"],
        ["--bureaus", "1_000"],
        ["--bureaus", "１２"],
        ["--bureaus", "1e3"],
        ["--bureaus", "9" * 19],
        ["--clusters", "0"],
        ["--clusters", "2.5"],
        ["--claims-total", "nan"],
        ["--seed", "-1"],
        ["--engine", "pigeon"],
        ["--protection", "prayer"],
        ["--colour"],
        ["--claims"],
    ],
    ids=" ".join,
)
def test_what_no_option_means_ends_with_code_2(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(given)
    assert ended.value.code == 2
    assert "usage: fedclaims-simulate" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (["--clusters", "1025"], "n_clusters: input should be less than or equal to 1024"),
        (["--bureaus", "10", "--claims-total", "9"], "n_claims must be between 10"),
        (["--bureaus", "1000000"], "n_bureaus must be between"),
        ([*FILES, "--bureaus", "10001"], "--bureaus is at most 10000"),
        ([*FILES, "--bureaus", "9" * 18], "--bureaus is at most 10000"),
    ],
)
def test_figures_that_no_plan_can_have_are_the_plans_mistake(given: list[str], reason: str) -> None:
    with pytest.raises(PlanError, match=reason):
        job(*given)


def test_an_unknown_mapping_is_an_input_to_mend() -> None:
    with pytest.raises(InputError):
        job("--claims", "a.csv", "--mapping", "no_such_mapping")


def test_the_help_names_every_exit_code_of_the_error_tree() -> None:
    codes = {error.exit_code for error in _tree(FedclaimsError)} - {1}
    text = parser().format_help()
    assert all(f"{code} " in text.partition("exit codes:")[2] for code in {0, 2, 130, *codes})


def _tree(error: type[FedclaimsError]) -> set[type[FedclaimsError]]:
    """The errors of the shared tree; a room's own further ones are its own commands' concern."""
    children = [child for child in error.__subclasses__() if child.__module__ == FedclaimsError.__module__]
    return {error}.union(*map(_tree, children))
