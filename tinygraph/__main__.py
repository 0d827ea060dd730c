"""`python -m tinygraph`: the command line."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

import tinygraph
from tinygraph.stepping import command


def main(argv: Sequence[str]) -> None:
    """Run a command by name, or print the list of commands."""
    if list(argv[:1]) == ["step"]:
        command.main(argv[1:])
        return
    parser = argparse.ArgumentParser("python -m tinygraph", description=tinygraph.__doc__, allow_abbrev=False)
    parser.add_argument("command", nargs="?", choices=["step"], help="step: walk through a typed program (step --help)")
    parser.add_argument("--version", action="version", version=f"tinygraph {tinygraph.__version__}")
    parser.parse_args(argv)
    parser.print_help()


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may not have every letter
    try:
        main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
