"""A process of the bench: takes a coroutine function with its task from standard input, answers on standard output."""

import pickle
import sys

import uvloop


def main() -> None:
    """Do the one thing asked for."""
    work, task = pickle.load(sys.stdin.buffer)
    pickle.dump(uvloop.run(work(task)), sys.stdout.buffer)


if __name__ == "__main__":
    main()
