"""The command `tinygraph`, which is `python -m tinygraph` too."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

import tinygraph
from tinygraph.stepping import command


def main(argv: Sequence[str], called: str = "tinygraph") -> None:
    """Run a command by name, or print the list of commands; `called` is what the user types before it."""
    if list(argv[:1]) == ["step"]:
        command.main(argv[1:], f"{called} step")
        return
    parser = argparse.ArgumentParser(called, description=tinygraph.__doc__, allow_abbrev=False)
    parser.add_argument("command", nargs="?", choices=["step"], help="step: walk through a typed program (step --help)")
    parser.add_argument("--version", action="version", version=f"tinygraph {tinygraph.__version__}")
    parser.parse_args(argv)
    parser.print_help()


def run(called: str = "tinygraph") -> None:
    """Run the command that was typed in a terminal."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may not have every letter
    try:
        main(sys.argv[1:], called)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    run("python -m tinygraph")
