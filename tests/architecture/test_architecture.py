"""The shape of the house: who may import whom, what no product code may do, and how large a room may be."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import metadata, packages_distributions
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS

ROOT = Path(__file__).parents[2]
ROOMS = ("client", "common", "server", "simulations")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
LONGEST_MODULE = 300

FLOWER_ENTERS = {
    "server/deployment/server_app.py",
    "server/deployment/registered.py",
    "server/grid.py",
    "client/courier.py",
    "client/link/internals.py",
}
FLOWER_ROOM = "simulations/flower/"

FORBIDDEN_MODULES = {"random", "pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_ATTRIBUTES = {
    *("numpy.load", "numpy.loads", "yaml.load", "yaml.unsafe_load", "os.system", "os.popen", "tempfile.mktemp"),
    *("subprocess.getoutput", "subprocess.getstatusoutput"),
}
RANDOM_THAT_IS_NOT_GLOBAL = {"default_rng", "Generator", "PCG64", "Philox", "SFC64", "SeedSequence", "BitGenerator"}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.AST) -> Iterator[str]:
    """Dotted names of everything imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module or ''}.{alias.name}" for alias in node.names)


def dotted(node: ast.AST) -> str:
    """``a.b.c`` of an attribute, with numpy under its own name."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    name = node.id if isinstance(node, ast.Name) else ""
    return "numpy" if name == "np" else name


def sins(tree: ast.AST) -> list[str]:
    """What product code does not do."""
    found = [name for name in imported(tree) if name.partition(".")[0] in FORBIDDEN_MODULES]
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            found.append(f"assert in line {node.lineno}")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
            found.append(f"{node.func.id} in line {node.lineno}")
        if isinstance(node, ast.Call) and any(
            each.arg in {"shell", "allow_pickle"}
            and not (isinstance(each.value, ast.Constant) and not each.value.value)
            for each in node.keywords
        ):
            found.append(f"a shell or a pickle in line {node.lineno}")
        name = dotted(node) if isinstance(node, ast.Attribute) else ""
        if name in FORBIDDEN_ATTRIBUTES or _is_global_random(name):
            found.append(f"{name} in line {node.lineno}")
    return found


def _is_global_random(name: str) -> bool:
    head, _, last = name.rpartition(".")
    return head == "numpy.random" and last not in RANDOM_THAT_IS_NOT_GLOBAL


def test_there_are_modules_to_look_at() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in MODULES} == set(ROOMS)
    assert len(MODULES) > 80


def test_the_layers_are_kept() -> None:
    code = "import sys; from importlinter import cli; sys.exit(cli.lint_imports(no_cache=True))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    assert found.returncode == EXIT_STATUS_SUCCESS, found.stdout


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_does_what_product_code_may(path: Path) -> None:
    assert sins(tree_of(path)) == []


@pytest.mark.parametrize(
    "code",
    [
        "assert x",
        "import pickle",
        "from pickle import loads",
        "import random",
        "from random import choice",
        "eval('1')",
        "np.load(path)",
        "numpy.load(path)",
        "yaml.load(text)",
        "np.random.seed(1)",
        "np.random.normal()",
        "np.random.RandomState(1)",
        "subprocess.run(text, shell=True)",
        "np.save(path, rows, allow_pickle=True)",
        "os.system(text)",
    ],
)
def test_what_product_code_may_not_do_is_noticed(code: str) -> None:
    assert sins(ast.parse(code))


@pytest.mark.parametrize(
    "code", ["np.random.default_rng(1)", "secrets.token_bytes(16)", "x.load(path)", "f(shell=False)"]
)
def test_what_product_code_may_do_is_not_complained_of(code: str) -> None:
    assert sins(ast.parse(code)) == []


def test_flower_enters_where_it_is_transport_and_nowhere_else() -> None:
    touching = {
        named(path) for path in MODULES if any(name.split(".")[0] == "flwr" for name in imported(tree_of(path)))
    }
    assert {name for name in touching if not name.startswith(FLOWER_ROOM)} == FLOWER_ENTERS


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_every_public_function_and_class_says_what_it_is(path: Path) -> None:
    tree = tree_of(path)
    assert ast.get_docstring(tree), "the module"
    assert _undocumented(tree, "") == []


def _undocumented(node: ast.AST, prefix: str) -> list[str]:
    """Public functions and classes without a docstring; what is nested in functions is nobody's business."""
    found = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and not child.name.startswith("_"):
            found += [] if ast.get_docstring(child) else [f"{prefix}{child.name}"]
            found += _undocumented(child, f"{child.name}.") if isinstance(child, ast.ClassDef) else []
    return found


def test_what_is_not_documented_is_noticed() -> None:
    code = (
        "def f(): 1\nclass A:\n '''A.'''\n def g(self): 1\n def _h(self): 1\n def i(self):\n  '''I.'''\n  def j(): 1\n"
    )
    assert _undocumented(ast.parse(code), "") == ["f", "A.g"]


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_no_module_is_longer_than_three_hundred_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


@pytest.mark.parametrize("room", ROOMS)
def test_no_other_installed_distribution_owns_a_room_of_this_house(room: str) -> None:
    owners = set(packages_distributions().get(room, []))
    assert owners <= {"fedclaims"}, "an environment of its own for each deployable"


def test_the_distribution_is_never_to_be_uploaded() -> None:
    assert "Private :: Do Not Upload" in (metadata("fedclaims").get_all("Classifier") or [])


def test_the_wheel_holds_the_four_rooms_and_nothing_else() -> None:
    held = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert held == {"packages": list(ROOMS)}


ROUTER = "import common.claim, common.columns, common.features.rows, common.kernel, common.model"
HEAVY = ("sklearn", "pyarrow", "flwr", "grpc", "ray", "rich", "jinja2", "sqlalchemy", "pandas")


def loaded_by(statement: str) -> set[str]:
    """Top-level names that a fresh interpreter has loaded after a statement."""
    code = f"{statement}; import sys; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    ran = subprocess.run(  # noqa: S603  the statements stand in this file
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(ran.stdout.split())


def test_a_router_loads_neither_learning_nor_tables_nor_transport() -> None:
    loaded = loaded_by(ROUTER)
    assert {"numpy", "numba", "pydantic"} <= loaded
    assert loaded.isdisjoint(HEAVY)


def test_what_a_router_must_not_load_would_be_noticed() -> None:
    assert "pyarrow" in loaded_by(f"{ROUTER}; import client.claims.ingest")


def test_a_station_loads_neither_learning_nor_transport() -> None:
    assert loaded_by("import client.station, client.rowstore").isdisjoint(
        {"sklearn", "pyarrow", "flwr", "grpc", "server"}
    )


def test_a_coordinator_loads_nothing_of_a_bureau() -> None:
    assert loaded_by("import server.session").isdisjoint({"client", "simulations", "pyarrow", "flwr", "grpc"})
