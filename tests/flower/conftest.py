import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from flwr.supercore.task_identity import TaskIdentity

RUN_ID, SERVER_NODE, TASK_ID = 7, 1, 3


@pytest.fixture(autouse=True)
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Runs of the same number meet in a directory of the same name: tests beside each other must not."""
    with tempfile.TemporaryDirectory(prefix="t") as found:
        monkeypatch.setattr("tempfile.tempdir", found)
        yield Path(found)


@pytest.fixture(autouse=True)
def _our_loggers_are_on() -> None:
    """Flower's database code, where it runs in this process, switches off every logger that exists already."""
    for name, logger in logging.root.manager.loggerDict.items():
        if name.split(".")[0] in {"client", "common", "server", "simulations"} and isinstance(logger, logging.Logger):
            logger.disabled = False


@pytest.fixture(autouse=True)
def _flower_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flower sets these in its processes; a message cannot be made without them."""
    monkeypatch.setattr(TaskIdentity, "_run_id", RUN_ID)
    monkeypatch.setattr(TaskIdentity, "_node_id", SERVER_NODE)
    monkeypatch.setattr(TaskIdentity, "_task_id", TASK_ID)
