"""How an agreement stood to the public once: what its history tells of every publishing and unpublishing."""

from collections.abc import Iterable
from typing import Any


def standing(steps: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Where these steps, the first one first, led to: when it was shown or taken back, and its public tasks by id."""
    published_at = unpublished_at = None
    version, shown = 0, set[str]()
    for step in steps:
        version += 1
        if step["action"] == "publish":
            published_at, unpublished_at = step["occurred_at"], None
        elif step["action"] == "unpublish":
            unpublished_at = step["occurred_at"]
        shown = _shown(step, shown)
    return {
        "version": version or None,
        "published_at": published_at,
        "unpublished_at": unpublished_at,
        "task_ids": sorted(shown),
    }


def _shown(step: dict[str, Any], before: set[str]) -> set[str]:
    """The public tasks after a step."""
    for change in step["changes"]:
        if change["field"] == "public_tasks":
            return set(change["to"])
    # Earlier releases told a single task by its title alone: the first that had this title then is taken for it.
    if step["action"] not in ("publish_task", "unpublish_task"):
        return set()
    taken_back = step["action"] == "unpublish_task"
    one = next((task_id for task_id in step["of_this_title"] if (task_id in before) == taken_back), None)
    # It is added where it was not there, and taken away where it was.
    return before if one is None else before ^ {one}
