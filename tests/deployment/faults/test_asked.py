"""Whoever can start runs on the SuperLink, or change the plan, asks for more than was agreed, and gets nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from client.courier import CourierCode
from client.link.bundles import as_lines, listed
from common.wire import decode
from server.registry.run import State
from tests.deployment.faults.deployments import NAMES, Deployment
from tests.deployment.faults.outcomes import head, insist_on_all, runs
from tests.deployment.faults.wires import Tap
from tests.server.deployment.coordinators import QUICK, until

pytestmark = [pytest.mark.flower, pytest.mark.slow, pytest.mark.timeout(900)]

OVER = {"completed", "failed", "stopped", "finished"}
SERVER = """\
import json, time
from pathlib import Path
from flwr.app import ConfigRecord, Message, MessageType, RecordDict
from flwr.serverapp import ServerApp

app = ServerApp()


@app.main()
def main(grid, context):
    until = time.monotonic() + 60
    nodes = list(grid.get_node_ids())
    asked = RecordDict({"request": ConfigRecord({"bytes": b"ask"})})
    waiting = set(grid.push_messages([Message(asked, node, MessageType.QUERY, ttl=60.0) for node in nodes]))
    came = []
    while waiting and time.monotonic() < until:
        time.sleep(0.2)
        new = list(grid.pull_messages(waiting))
        waiting -= {one.metadata.reply_to_message_id for one in new}
        came += new
    told = Path(str(context.run_config["told"]))
    told.with_suffix(".part").write_text(json.dumps([
        {"code": one.error.code, "reason": one.error.reason} if one.has_error()
        else {"bytes": bytes(one.content["reply"]["bytes"]).hex()} for one in came]))
    told.with_suffix(".part").rename(told)
"""
HOSTILE = """\
import os, socket
from pathlib import Path
Path("{canary}").write_text("it was loaded")
from flwr.app import ConfigRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp
from client.service import StationLink

app = ClientApp()


@app.query()
def query(message: Message, context: Context) -> Message:
    with StationLink(Path(str(context.node_config["station-socket"])), 5.0) as link:
        answers = [link.answer(b"ask") for _ in range(100)]
    socket.create_connection(("127.0.0.1", 9)).close()
    claims = [path.read_bytes() for path in Path("{root}").rglob("claims.parquet")]
    stolen = repr((answers, claims, dict(os.environ))).encode()
    return Message(RecordDict({{"reply": ConfigRecord({{"bytes": stolen}})}}), reply_to=message)
"""


def heads(found: Deployment) -> list[str]:
    return [head(home) for home in found.homes.values()]


def n_asked(found: Deployment) -> dict[str, int]:
    return {name: len(tap.asked) for name, tap in found.taps.items()}


def hostile_app(found: Deployment) -> Path:
    """A bundle with code that would read claims, open sockets and ask for a hundred releases."""
    app = found.root / "hostile"
    app.mkdir()
    (app / "pyproject.toml").write_text(f"""\
[project]
name = "hostile"
version = "1.0.0"
license = "Apache-2.0"
[tool.flwr.app]
publisher = "fedclaims"
fab-include = ["pyproject.toml", "asking.py", "hostile.py"]
[tool.flwr.app.components]
serverapp = "asking:app"
clientapp = "hostile:app"
[tool.flwr.app.config]
told = "{found.root / "told.json"}"
""")
    (app / "asking.py").write_text(SERVER)
    (app / "hostile.py").write_text(HOSTILE.format(canary=found.root / "loaded", root=found.root))
    return app


def replies(found: Deployment, app: Path) -> list[dict[str, object]]:
    """What every bureau says to a bundle."""
    told = found.root / "told.json"
    told.unlink(missing_ok=True)
    started = found.flwr("run", str(app), "coordinator")
    assert json.loads(started.stdout)["success"], started.stdout
    until(told.exists, "every bureau was asked", found.service)
    said: list[dict[str, object]] = json.loads(told.read_text())
    return said


def test_a_hostile_bundle_that_is_not_pinned_is_refused_with_a_number_by_every_bureau(deployed: Deployment) -> None:
    before, asked = heads(deployed), n_asked(deployed)
    said = replies(deployed, hostile_app(deployed))
    assert said == [{"code": CourierCode.BUNDLE, "reason": None}] * len(NAMES)
    assert (heads(deployed), n_asked(deployed)) == (before, asked)
    assert not (deployed.root / "loaded").exists()
    insist_on_all(deployed)


def test_of_a_hostile_bundle_that_one_bureau_has_pinned_no_line_is_run_and_the_station_refuses_what_it_asks(
    deployed: Deployment,
) -> None:
    before, asked = heads(deployed), n_asked(deployed)
    app, place = deployed.root / "hostile", deployed.link_place("north")
    pinned = listed(place.bundles)
    place.bundles.write_bytes(as_lines(sorted({*pinned, deployed.digest_of(app)})))
    try:
        said = replies(deployed, app)
    finally:
        place.bundles.write_bytes(as_lines(sorted(pinned)))
    assert [one for one in said if "bytes" not in one] == [{"code": CourierCode.BUNDLE, "reason": None}] * 3
    (answer,) = [decode(bytes.fromhex(str(one["bytes"]))) for one in said if "bytes" in one]
    assert (answer.kind, str(answer.code)) == ("refusal", "bad_message")  # type: ignore[union-attr]
    assert heads(deployed) == before
    assert n_asked(deployed) == asked | {"north": asked["north"] + 1}, "once, and not a hundred times"
    assert not (deployed.root / "loaded").exists()
    insist_on_all(deployed)


@pytest.mark.parametrize("order", ["", "used"])
def test_a_run_configuration_that_asks_for_another_epsilon_and_plan_starts_nothing(
    deployed: Deployment, order: str
) -> None:
    code = deployed.run().code if order else ""
    if order:
        until(lambda: all(map(has_its_model, deployed.taps.values())), "the model is delivered", deployed.service)
    before, asked, known = heads(deployed), n_asked(deployed), len(runs(deployed))
    app = str(deployed.seat.place.app)
    wanted = [f'order="{code}"', f'order="{code}" epsilon=1e9 protection="none" plan="{{}}" directory="/"']
    for configuration in wanted:
        deployed.flwr("run", app, "coordinator", "--run-config", configuration)
    until(lambda: all(one in OVER for one in flower_states(deployed)), "Flower's runs are over", deployed.service)
    assert (heads(deployed), n_asked(deployed), len(runs(deployed))) == (before, asked, known)
    insist_on_all(deployed)


def has_its_model(tap: Tap) -> bool:
    """A run is closed before its model is brought to the stations."""
    return bool(tap.answered) and decode(tap.answered[-1][0]).kind == "published"


def flower_states(found: Deployment) -> list[str]:
    told = json.loads(found.flwr("list", "coordinator").stdout)
    return [str(one["status"]).partition(":")[0] for one in told["runs"]]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("epsilon = 1000000000.0", "plan.toml makes no plan"),
        ("epsilon = 100.0", "refuses at offer: policy"),
        ('protection = "none"\nepsilon = 10.0', "refuses"),
    ],
)
def test_a_plan_beyond_what_the_bureaus_policies_grant_is_refused_by_all_of_them(
    deployed: Deployment, change: str, reason: str
) -> None:
    before, place = heads(deployed), deployed.seat.place
    place.plan.write_text(QUICK.replace("epsilon = 10.0", change))
    try:
        run = deployed.run()
    finally:
        place.plan.write_text(QUICK)
    assert run.state is State.FAILED
    assert reason in run.reason
    assert heads(deployed) == before
    insist_on_all(deployed)
