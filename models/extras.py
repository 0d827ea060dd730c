"""The packages that the models need besides tinygraph, and one line about those that are not installed."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

# The names that are imported, and the names that pip installs.
PACKAGES = {
    "matplotlib": "matplotlib",
    "pandas": "pandas",
    "safetensors": "safetensors",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "tqdm": "tqdm",
}
INSTALL = 'pip install -e ".[models]"'


def advice() -> str:
    """Which packages are missing and how to install them; "" if all are installed."""
    missing = [package for name, package in PACKAGES.items() if find_spec(name) is None]
    if not missing:
        return ""
    are = "is" if len(missing) == 1 else "are"
    return f'{", ".join(missing)} {are} not installed: the extra "models" brings what the models need, {INSTALL}'


def main(name: str) -> None:
    """Run the command line of an estimator; if a package is missing, print one line and exit with code 2."""
    if missing := advice():
        print(f"python -m models.{Path(sys.argv[0]).stem}: {missing}", file=sys.stderr)
        sys.exit(2)
    from models import command  # which imports these packages

    command.main(name)
