"""The evaluation report, in both official layouts and as data."""

import asyncio
from pathlib import Path

from lienvung.story.cast import Cast
from lienvung.story.person import Person
from lienvung.story.stage import Json, StoryError, until


async def print_it(cast: Cast, plan: Json) -> None:
    leader = cast.leader("dongtrieu")
    for layout, form in (("party", "pdf"), ("state", "pdf"), ("party", "json")):
        job = await leader.create(
            "/v1/reports",
            {
                "kind": "evaluation",
                "agreement_id": plan["id"],
                "layout": layout,
                "format": form,
                "language": "vi",
                "place": "Đông Triều",
                "signer": {"title": "BÍ THƯ", "name": "Họ và tên (minh họa)"},
            },
        )
        path = f"/v1/reports/{job['id']}"
        await until(lambda path=path: _ready(leader, path), f"the {layout} report")  # type: ignore[misc]
        name = cast.stage.out / f"danh-gia-352-{layout}.{form}"
        content = await leader.download(f"{path}/content")
        await asyncio.to_thread(_keep, name, content)
        cast.say(f"Evaluation report ({layout} layout): {name.name}, {len(content):,} bytes")


async def _ready(person: Person, path: str) -> bool | None:
    job = await person.get(path)
    if job["status"] == "failed":
        raise StoryError(f"{path} failed: {job}")
    return True if job["status"] == "ready" else None


def _keep(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
