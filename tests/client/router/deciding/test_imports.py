"""What a process that decides does not load."""

import subprocess
import sys


def test_deciding_loads_neither_scikit_learn_nor_pandas_nor_torch() -> None:
    names = "sklearn pandas torch scipy.stats scipy.special"
    asked = (
        "import sys, client.router.deciding.deciding, client.router.deciding.page, client.router.deciding.lone_row;"
        f"print([name for name in {names.split()} if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout == "[]\n"  # noqa: S603
