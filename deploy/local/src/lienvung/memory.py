"""How much memory a process and its children really hold: what they share is counted once."""

import psutil

MEGABYTE = 1024 * 1024


def resident(pid: int) -> int:
    """Bytes of a process and everything below it; 0 when it is gone."""
    try:
        process = psutil.Process(pid)
        return sum(_own(each) for each in (process, *process.children(recursive=True)))
    except psutil.Error:
        return 0


def resident_alone(pid: int) -> int:
    """Bytes of a process without what it started; 0 when it is gone."""
    try:
        return _own(psutil.Process(pid))
    except psutil.Error:
        return 0


def _own(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
    # The proportional share exists on Linux only; elsewhere shared pages are counted for each process.
    return int(getattr(full, "pss", 0) or full.rss)
