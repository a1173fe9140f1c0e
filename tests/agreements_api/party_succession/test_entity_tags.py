"""What is shown of organisations and of cases changes with units and tasks, and has another entity tag then."""

from tests.agreements_api.history.test_entity_tags import Reading
from tests.agreements_api.party_succession.reform import Reform, whole
from tests.agreements_api.party_succession.test_deciding import divided


async def test_an_organisation_tells_that_its_unit_ends(reform: Reform) -> None:
    town, (province, _) = await reform.town(), await reform.province()
    following = await reform.commune(province)
    reading = await Reading.of(reform.world.person("dongtrieu"), f"/v1/organizations/{reform.world.id(town.key)}")
    await reform.dissolve(whole(town.unit, following), effective_on="2026-06-01")
    assert (await reading.changed())["unit"]["valid_to"] == "2026-05-31"


async def test_a_case_tells_which_tasks_it_still_concerns(reform: Reform) -> None:
    given = await divided(reform, tasks=1)
    leader = reform.world.person("dongtrieu")
    reading = await Reading.of(leader, await given.of_tasks(leader))
    assert reading.body["tasks"]
    await leader.step(f"/v1/tasks/{given.task['id']}", "cancel", {"reason": "Trùng"})
    assert (await reading.changed())["tasks"] == []
