"""Several commands of one service in one process: most of a command's time is the import of what it is made of."""

import sys
from importlib import import_module

SEPARATOR = "--then"


def split(words: list[str]) -> list[list[str]]:
    """`migrate --then load-units` is two commands."""
    commands: list[list[str]] = [[]]
    for word in words:
        if word == SEPARATOR:
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


def run(module: str, commands: list[list[str]]) -> None:
    """Run them one after the other; the first that fails ends it."""
    app = import_module(module).app
    for command in commands:
        app(command, standalone_mode=False)


if __name__ == "__main__":
    run(sys.argv[1], split(sys.argv[2:]))
