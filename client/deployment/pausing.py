"""The kill switch: while one file is there, nothing leaves. It needs no coordinator and outlives restarts."""

from __future__ import annotations

import os
from pathlib import Path

from client.deployment.place import Place
from client.ledger.durable import sync_directory, write_new
from common.errors import EngineError, InputError


def is_paused(place: Place) -> bool:
    """Whether nothing may leave; also if that cannot be found out."""
    try:
        os.lstat(place.paused)
    except FileNotFoundError:
        return not place.state.is_dir()
    except OSError:
        return True
    return True


def pause(place: Place, now: int) -> bool:
    """Let nothing leave from now on; durable when this returns.

    Returns:
        Whether anything has changed.

    Raises:
        InputError: If there is no such station, or this user may not pause it.
    """
    try:
        write_new(place.paused, f"{now}\n".encode())
    except FileExistsError:
        return False
    except OSError:
        raise _no_station(place.root) from None
    return True


def resume(place: Place) -> bool:
    """Let answers leave again.

    Returns:
        Whether anything has changed.

    Raises:
        InputError: If there is no such station.
        EngineError: If the file cannot be removed.
    """
    if not place.state.is_dir():
        raise _no_station(place.root)
    try:
        place.paused.unlink()
        sync_directory(place.state)
    except FileNotFoundError:
        return False
    except OSError:
        msg = f"{place.paused} cannot be removed: only the station's user may resume it"
        raise EngineError(msg) from None
    return True


def _no_station(root: Path) -> InputError:
    return InputError(f"{root} is no station's directory that this user may write to; stop the process instead")
