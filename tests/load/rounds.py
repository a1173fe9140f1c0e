"""Rounds: product and baselines take turns, because figures of one machine move from one minute to the next."""

from collections.abc import Awaitable, Callable, Mapping

Measure = Callable[[], Awaitable[float]]


async def alternate(rounds: int, variants: Mapping[str, Measure]) -> dict[str, list[float]]:
    """What each variant reached in each round; every second round goes backwards, so that none is always first."""
    names = list(variants)
    reached: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            reached[name].append(await variants[name]())
    return reached
