"""What ``export-audit`` packs holds on any machine, and whatever is done to it is noticed, and said where."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client.command import main
from client.deployment import evidence
from client.deployment.evidence import FOLDER, SUMS, packed, read_evidence, write_evidence
from client.deployment.spoken import spoken, statement_of
from client.ledger.chain import NO_ENTRY, Chain, Head, read_chain, seal
from client.ledger.entry import Opened, reserved
from client.ledger.frame import frames
from client.ledger.ledger import Ledger
from client.policy import parse_policy
from tests.client.deployment.stations import Home
from tests.client.ledger.releases import UNLIMITED, charge, release
from tests.deployment.commands import Said, typed

LATE = 1_900_000_000
FILES = ("README.txt", "ledger.chain", "verification.json", "policy.toml", "station.toml", "public-key.txt",
         "entries.jsonl", "statement.json")  # fmt: skip
Files = dict[str, bytes]


@dataclass(frozen=True)
class Packed:
    """Evidence of a station with three releases, one of them answered; the station is gone."""

    tar: Path
    files: Mapping[str, bytes]

    @property
    def chain(self) -> Chain:
        return read_chain(self.files["ledger.chain"])


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    root = tmp_path_factory.mktemp("e")
    home = Home(root / "north").begin()
    with Ledger.open(home.root / "ledger", clock=lambda: LATE) as ledger:
        ledger.reserve(release(1), charge(), UNLIMITED).persist(b"noised vector")
        ledger.reserve(release(2), charge(), UNLIMITED)
        ledger.reserve(release(1, session=2), charge(), UNLIMITED)
    tar = root / "audit.tar"
    assert main(["export-audit", "--dir", str(home.root), "--out", str(tar)]) == 0
    shutil.rmtree(home.root)
    files = read_evidence(tar)
    files.pop(SUMS)
    return Packed(tar, files)


Verify = Callable[..., Said]


@pytest.fixture
def verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Verify:
    """What is said of a tar, or of files that somebody has packed anew, with a list of sums that fits."""

    def verified(given: Path | Files, *words: object) -> Said:
        if isinstance(given, Path):
            tar = given
        else:
            tar = tmp_path / "forged.tar"
            tar.unlink(missing_ok=True)
            write_evidence(tar, given, LATE)
        return typed(capsys, "fedclaims-bureau", "export-audit", "--verify", tar, *words)

    return verified


def broken(said: Said) -> tuple[str, int | None]:
    """File and entry at which it breaks."""
    assert said.code == 1, said
    found: dict[str, Any] = json.loads(said.out)
    assert found["whole"] is False
    assert found["reason"] in json.loads(said.err)["text"]
    return found["file"], found["entry"]


def without(files: Mapping[str, bytes], *names: str) -> Files:
    return {name: held for name, held in files.items() if name not in names}


def tarred(path: Path, members: list[tuple[tarfile.TarInfo, bytes]], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for info, held in members:
            info.size = len(held) or info.size
            tar.addfile(info, io.BytesIO(held))
    return path


def members(files: Mapping[str, bytes]) -> list[tuple[tarfile.TarInfo, bytes]]:
    return [(tarfile.TarInfo(f"{FOLDER}/{name}"), held) for name, held in files.items()]


def test_whole_evidence_holds_without_its_station(exported: Packed, verify: Verify) -> None:
    said = verify(exported.tar, "--json")
    assert (said.code, said.err) == (0, "")
    found = json.loads(said.out)
    assert (found["whole"], found["entries"], found["releases"]) == (True, 5, 3)
    assert (found["head"], found["public_key"]) == (str(exported.chain.head), exported.chain.public_key)
    assert (found["key_compared"], found["continues"], found["exported"]["bureau"]) == (False, None, "north")


def test_people_are_told_what_was_compared_and_what_was_not(exported: Packed, verify: Verify) -> None:
    key, head = exported.chain.public_key, exported.chain.head
    plain = verify(exported.tar).out
    assert "the file's own word" in plain
    assert "are not noticed" in plain
    compared = verify(exported.tar, "--public-key", key.upper(), "--head", head).out
    assert "the one you gave" in compared
    assert f"It continues head {head}." in compared
    assert "vouches for" in verify(exported.tar, "--head", head).out


@pytest.mark.parametrize("name", [*FILES, SUMS])
def test_a_file_that_was_altered_is_named(exported: Packed, verify: Verify, tmp_path: Path, name: str) -> None:
    whole = packed(exported.files)
    altered = whole | {name: whole[name].replace(b"e", b"f", 1) if name == SUMS else whole[name] + b"\n"}
    file, _ = broken(verify(tarred(tmp_path / "a.tar", members(altered)), "--json"))
    assert name in {file, SUMS}, "a list that was altered accuses another file"


@pytest.mark.parametrize("name", [*FILES, SUMS])
def test_a_file_that_was_dropped_is_named(exported: Packed, verify: Verify, tmp_path: Path, name: str) -> None:
    dropped = without(packed(exported.files), name)
    assert broken(verify(tarred(tmp_path / "a.tar", members(dropped)), "--json")) == (name, None)


@pytest.mark.parametrize("name", [one for one in FILES if one != "README.txt"])
def test_a_file_that_was_dropped_from_the_list_too_is_named(exported: Packed, verify: Verify, name: str) -> None:
    assert broken(verify(without(exported.files, name), "--json"))[0] == name


@pytest.mark.parametrize("name", ["roster.json", "claims.csv"])
def test_a_file_that_was_added_is_noticed(exported: Packed, verify: Verify, tmp_path: Path, name: str) -> None:
    added = packed(exported.files) | {name: b"{}"}
    known = name in evidence.MOST_BYTES
    assert broken(verify(tarred(tmp_path / "a.tar", members(added)), "--json")) == (name if known else "", None)


def altered_entry(held: bytes) -> bytes:
    at = held.index(b'"round":2')
    return held[:at] + b'"round":3' + held[at + 9 :]


REPACKED: dict[str, tuple[str, Callable[[bytes], bytes], int | None]] = {
    "an entry of the chain": ("ledger.chain", altered_entry, 3),
    "the end of the chain": ("ledger.chain", lambda held: held[: [one.offset for one in frames(held)][-1]], 4),
    "half an entry off the chain": ("ledger.chain", lambda held: held[:-5], 4),
    "another byte behind the chain": ("ledger.chain", lambda held: held + b"f", None),
    "a word of an entry": ("entries.jsonl", lambda held: held.replace(b'"round": 2', b'"round": 9'), 3),
    "a line of the entries": ("entries.jsonl", lambda held: b"".join(held.splitlines(keepends=True)[:3]), 3),
    "one line more": ("entries.jsonl", lambda held: held + b"{}\n", 5),
    "no line at all": ("entries.jsonl", lambda _: b"", 0),
    "what was spent": ("statement.json", lambda held: held.replace(b'"releases": 3', b'"releases": 1'), None),
    "what was allowed": (
        "policy.toml", lambda held: held.replace(b"epsilon_per_year = 8", b"epsilon_per_year = 9"), None,
    ),
    "no policy": ("policy.toml", lambda _: b"epsilon", None),
    "the key": ("public-key.txt", lambda held: b"ab" * 32 + held[64:], None),
    "the station's verdict": ("verification.json", lambda held: held.replace(b'"releases": 3', b'"releases": 2'), None),
    "a verdict of another form": ("verification.json", lambda held: held.replace(b'"doubt"', b'"doubts"'), None),
    "no verdict": ("verification.json", lambda _: b"[" * 100_000, None),
    "a name that moves the cursor": (
        "verification.json", lambda held: held.replace(b'"north"', b'"\\u001b[2J"'), None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REPACKED)
def test_what_was_altered_and_packed_anew_does_not_follow_from_the_chain(
    exported: Packed, verify: Verify, name: str
) -> None:
    file, alter, entry = REPACKED[name]
    altered = alter(exported.files[file])
    assert altered != exported.files[file]
    found = broken(verify({**exported.files, file: altered}, "--json"))
    assert found[1] == entry
    others = {"what was allowed": "statement.json", "the end of the chain": "entries.jsonl",
              "half an entry off the chain": "entries.jsonl",
              "another byte behind the chain": "verification.json"}  # fmt: skip
    assert found[0] == others.get(name, file)


def repacked(files: Mapping[str, bytes], chain: bytes) -> Files:
    """Everything as it follows from another chain: what a station's owner could make."""
    found, told = read_chain(chain), json.loads(files["verification.json"])
    told |= {"entries": len(found.digests), "releases": len(found.book.charges), "head": str(found.head)}
    return {
        **files,
        "ledger.chain": chain,
        "verification.json": json.dumps(told).encode(),
        "public-key.txt": f"{found.public_key}\n".encode(),
        "entries.jsonl": b"".join(spoken(found)),
        "statement.json": statement_of(found, parse_policy(files["policy.toml"], "policy"), told["time"]),
    }


def test_a_chain_that_was_shortened_with_all_that_follows_is_seen_by_its_head_alone(
    exported: Packed, verify: Verify
) -> None:
    held = exported.files["ledger.chain"]
    short = repacked(exported.files, held[: [one.offset for one in frames(held)][-1]])
    assert verify(short).code == 0
    assert broken(verify(short, "--head", exported.chain.head, "--json")) == ("ledger.chain", 4)


def rewritten(time: int = LATE) -> bytes:
    """Another history under another key, with one release."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public = key.public_key().public_bytes_raw().hex()
    first, digest = seal(Opened(number=0, previous=NO_ENTRY, time=time, public_key=public), key)
    second, _ = seal(reserved(release(1), charge(), number=1, previous=digest, time=time), key)
    return first + second


def test_another_history_under_another_key_is_seen_by_the_key_and_by_the_head(exported: Packed, verify: Verify) -> None:
    forged, chain = repacked(exported.files, rewritten()), exported.chain
    assert verify(forged).code == 0
    assert broken(verify(forged, "--public-key", chain.public_key, "--json")) == ("ledger.chain", 0)
    first = Head(number=0, digest=chain.digests[0])
    assert broken(verify(forged, "--head", first, "--json")) == ("ledger.chain", 0)


@pytest.mark.parametrize("number", [0, 2, 4])
def test_every_head_that_was_seen_before_is_continued_and_no_other(
    exported: Packed, verify: Verify, number: int
) -> None:
    digest = exported.chain.digests[number]
    assert verify(exported.tar, "--head", f"{number}:{digest}").code == 0
    other = f"{number}:{'0' * 64}"
    assert broken(verify(exported.tar, "--head", other, "--json")) == ("ledger.chain", number)


def test_a_chain_from_beyond_all_dates_ends_in_a_verdict(exported: Packed, verify: Verify) -> None:
    assert verify(repacked(exported.files, rewritten(time=2**53 - 1))).code in {0, 1}


def of_type(kind: bytes, name: str = f"{FOLDER}/ledger.chain", target: str = "/etc/passwd") -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname = kind, target
    return found


def speaking() -> tarfile.TarInfo:
    found = tarfile.TarInfo(f"{FOLDER}/README.txt")
    found.pax_headers = {"comment": "x" * 1000}
    return found


NO_NAME, NO_FILE = "a name that evidence does not have", "not a plain file"
HOSTILE: dict[str, tuple[list[tuple[tarfile.TarInfo, bytes]], str]] = {
    "a symbolic link": ([(of_type(tarfile.SYMTYPE), b"")], NO_FILE),
    "a hard link": ([(of_type(tarfile.LNKTYPE), b"")], NO_FILE),
    "a directory": ([(of_type(tarfile.DIRTYPE), b"")], NO_FILE),
    "a device": ([(of_type(tarfile.CHRTYPE), b"")], NO_FILE),
    "a header that speaks": ([(speaking(), b"x")], NO_FILE),
    "a path from the root": ([(tarfile.TarInfo("/etc/passwd"), b"x")], NO_NAME),
    "a path upwards": ([(tarfile.TarInfo(f"{FOLDER}/../ledger.chain"), b"x")], NO_NAME),
    "a path below": ([(tarfile.TarInfo(f"{FOLDER}/ledger.chain/x"), b"x")], NO_NAME),
    "another folder": ([(tarfile.TarInfo("audit/ledger.chain"), b"x")], NO_NAME),
    "a name twice": ([(tarfile.TarInfo(f"{FOLDER}/README.txt"), b"x") for _ in range(2)], "there twice"),
    "too much": ([(tarfile.TarInfo(f"{FOLDER}/README.txt"), bytes((1 << 20) + 1))], "more than 1 MiB"),
    "nothing": ([], "is missing"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_tar_is_told_and_nothing_of_it_is_followed_or_written(
    verify: Verify, tmp_path: Path, name: str
) -> None:
    hostile, word = HOSTILE[name]
    tar = tarred(tmp_path / "h.tar", hostile)
    before = sorted(tmp_path.iterdir())
    said = verify(tar, "--json")
    broken(said)
    assert word in json.loads(said.out)["reason"]
    assert sorted(tmp_path.iterdir()) == before


def test_bytes_that_are_no_tar_or_not_a_whole_one_are_told(exported: Packed, verify: Verify, tmp_path: Path) -> None:
    held, path = exported.tar.read_bytes(), tmp_path / "h.tar"
    cut = [held[:length] for length in (0, 100, 600, 1500)]
    for bad in (b"text", gzip.compress(held), held + b"more", bytes(2048) + held, *cut):
        path.write_bytes(bad)
        assert broken(verify(path, "--json"))[1] is None


def test_a_file_beyond_every_bound_is_not_read(
    exported: Packed, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "MOST_IN_ALL", exported.tar.stat().st_size - 1)
    assert broken(verify(exported.tar, "--json")) == ("", None)


def test_a_file_that_cannot_be_opened_ends_with_code_3(verify: Verify, tmp_path: Path) -> None:
    assert verify(tmp_path / "nowhere.tar").code == 3
    assert verify(tmp_path).code == 3


def test_the_evidence_of_a_broken_ledger_says_so_elsewhere_too(
    verify: Verify, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, out = Home(tmp_path / "north").begin(), tmp_path / "audit.tar"
    path = home.root / "ledger" / "ledger.chain"
    path.write_bytes(path.read_bytes()[:-3] + b"xyz")
    assert typed(capsys, "fedclaims-bureau", "export-audit", "--dir", home.root, "--out", out).code == 1
    assert broken(verify(out, "--json")) == ("ledger.chain", 0)


@pytest.mark.parametrize(
    "words",
    [
        ["--out", "a.tar", "--verify", "b.tar"],
        [],
        ["--out", "a.tar", "--head", f"1:{'0' * 64}"],
        ["--out", "a.tar", "--public-key", "0" * 64],
        ["--verify", "b.tar", "--head", "1"],
        ["--verify", "b.tar", "--public-key", "12"],
    ],
    ids=" ".join,
)
def test_options_that_mean_nothing_together_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for more in ([], ["--json"]):
        said = typed(capsys, "fedclaims-bureau", "export-audit", *words, *more)
        assert (said.code, said.out) == (2, "")
        if more:
            assert json.loads(said.err)["error"] == "OptionsError"
