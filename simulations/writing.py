"""Results on disk: all files of a run appear together and whole, or nothing is left behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def directory_for_results(path: Path) -> Iterator[Path]:
    """A directory that is there from now on, so that a long run does not fail at its end.

    Guarantees:
        * If the run fails, directories that were made for it and hold nothing are gone again.
    """
    made = [one for one in (path, *path.parents) if not one.exists()]
    path.mkdir(parents=True, exist_ok=True)
    try:
        yield path
    except BaseException:
        for one in made:
            if not any(one.iterdir()):
                one.rmdir()
        raise


def replace_all(files: Mapping[Path, bytes]) -> None:
    """Write files, in place of those of an earlier run.

    Guarantees:
        * Nothing is replaced before everything is written; a failure or an interruption leaves no part behind.
    """
    parts = {path: path.with_name(f".{path.name}.part") for path in files}
    try:
        for path, part in parts.items():
            part.write_bytes(files[path])
        for path, part in parts.items():
            part.replace(path)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
