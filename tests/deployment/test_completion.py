"""Completion in a real shell: what TAB offers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deployment.commands import MAINS, typed

BASH = shutil.which("bash")
ASKED = """
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
completes=$(complete -p "$1")
[[ $completes =~ -F\\ ([^\\ ]+) ]] && "${BASH_REMATCH[1]}" "$1"
printf '%s\\n' "${COMPREPLY[@]}"
"""

pytestmark = pytest.mark.skipif(BASH is None, reason="install bash to see its completion")


def offered(capsys: pytest.CaptureFixture[str], directory: Path, command: str, *words: str) -> set[str]:
    """What bash offers behind the last word, in a directory."""
    asking = ["--completion", "bash"] if command == "fedclaims-simulate" else ["completion", "bash"]
    said = typed(capsys, command, *asking)
    assert (said.code, said.err) == (0, "")
    script = directory / "completion.bash"
    script.write_text(said.out, encoding="utf-8")
    shell = [str(BASH), "--noprofile", "--norc", "-c", ASKED, "bash", str(script), command, *words]
    # nothing but bash may be started: a completion that runs Python would fail here
    done = subprocess.run(  # noqa: S603
        shell, cwd=directory, env={"PATH": "/nonexistent"}, capture_output=True, text=True, timeout=20, check=True
    )
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["le"], {"ledger"}),
        (["ledger", "ver"], {"verify"}),
        (["ledger", "verify", "--he"], {"--help", "--head"}),
        (["profile", "clai"], {"claims.csv"}),
        (["profile", "--mapping", "clai"], {"claims.csv"}),
        (["status", "--dir", "sta"], {"station"}),
        (["completion", ""], {"bash", "zsh"}),
    ],
    # a set has no order of its own: workers that collect it in different orders refuse to run
    ids=lambda words: " ".join(sorted(words) if isinstance(words, set) else words),
)
def test_bash_completes_subcommands_options_files_and_directories(
    words: list[str], expected: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "claims.csv").touch()
    (tmp_path / "station").mkdir()
    (tmp_path / "statement.txt").touch()
    assert offered(capsys, tmp_path, "fedclaims-bureau", *words) == expected


def test_bash_completes_the_choices_of_an_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert offered(capsys, tmp_path, "fedclaims-simulate", "--engine", "") == {"loopback", "flower", "processes"}
    assert offered(capsys, tmp_path, "fedclaims-simulate", "--protection", "se") == {"secure"}


def test_bash_completes_the_coordinators_subcommands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert offered(capsys, tmp_path, "fedclaims-coordinator", "roster", "re") == {"revoke", "renew"}


@pytest.mark.parametrize("command", MAINS)
def test_a_script_for_zsh_names_its_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    asking = ["--completion", "zsh"] if command == "fedclaims-simulate" else ["completion", "zsh"]
    assert typed(capsys, command, *asking).out.startswith(f"#compdef {command}\n")
