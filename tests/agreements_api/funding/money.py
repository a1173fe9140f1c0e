"""What tests of the funding gate say of a task's money."""

from tests.agreements_api.agreements.world import Json, World, accepted

# Closed before the tests' day, and open for years.
CLOSED, OPEN = "2021-2025", "2026-2030"
NEED: Json = {
    "needs_public_investment": True,
    "plan_period": OPEN,
    "source": "Ngân sách tỉnh (minh họa)",
    "amount": 120_000_000_000,
    "status": "proposed",
}


async def funded(world: World, task: Json, **changes: object) -> Json:
    """The funding of a task after its lead has said it, whatever it was."""
    path = f"/v1/tasks/{task['id']}/funding"
    lead = world.specialist("ubnd-dongtrieu")
    answer = await lead.http.put(path, json=NEED | changes, headers=lead.unsafe(**{"If-Match": "*"}))
    return accepted(answer, 200)
