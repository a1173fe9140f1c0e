"""agreements-api under the profiler: the command line of the service, and a file of figures when it ends."""

import cProfile
import sys

from agreements_api.cli import app


def main() -> None:
    """The first argument is the file, the others are the service's own."""
    path, *arguments = sys.argv[1:]
    profiler = cProfile.Profile()
    profiler.enable()
    try:
        app(arguments, standalone_mode=False)
    finally:
        profiler.disable()
        profiler.dump_stats(path)


if __name__ == "__main__":
    main()
