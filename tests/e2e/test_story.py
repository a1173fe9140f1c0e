"""The story of Conclusion 352, played on a stack of its own: every chapter comes out, and the records bear it out."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio

from lienvung import story
from lienvung.stack import Stack
from tests.e2e.conftest import Signed, sign_in

Json = dict[str, Any]

# The first of them starts the stack and waits for the whole story.
pytestmark = pytest.mark.timeout(600)


@dataclass
class Told:
    """What the story said, and the product after it."""

    stack: Stack
    http: httpx.AsyncClient
    lines: list[str] = field(default_factory=list)

    async def signed_in(self, username: str) -> Signed:
        account = next(one for one in self.stack.accounts if one["username"] == username)
        return await sign_in(self.http, username, account["password"])

    def said(self, *patterns: str) -> list[re.Match[str]]:
        """Where it said these, each after the one before."""
        found: list[re.Match[str]] = []
        lines = iter(self.lines)
        for pattern in patterns:
            match = next((match for line in lines if (match := re.search(pattern, line))), None)
            assert match is not None, f"{pattern} was not said, or not in its turn, in:\n" + "\n".join(self.lines)
            found.append(match)
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def told(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Told]:
    # Of its own: the story ends the districts of everybody else's agreements as well.
    async with (
        Stack(tmp_path_factory.mktemp("story"), durable=False) as stack,
        httpx.AsyncClient(base_url=stack.gateway, timeout=30) as http,
    ):
        told = Told(stack, http)
        await story.play(stack, told.lines.append)
        yield told


@pytest_asyncio.fixture(loop_scope="session")
async def superior(told: Told) -> Signed:
    return await told.signed_in("quangninh.leader")


async def test_a_meeting_ends_in_a_task(told: Told, superior: Signed) -> None:
    told.said(
        r"^Signed by .* → in_force$",
        r"^Meeting called by Ban Thường vụ Thị ủy Đông Triều: 5 parties invited, 3 points",
        r"^Held: 4 parties came, Ban Thường vụ Huyện ủy Lục Nam sent somebody else; minutes written, revision 1$",
        r"^Concluded: .*xâm canh, xâm cư — UBND thị xã Đông Triều$",
        r"^Task of it, in one call: ",
    )
    [meeting] = (await superior.get("/v1/meetings"))["items"]
    assert (meeting["status"], meeting["demonstration"]) == ("held", True)
    [outcome] = meeting["outcomes"]
    task = await superior.get(f"/v1/tasks/{outcome['task_id']}")
    assert (task["title"], task["demonstration"]) == (outcome["text"], True)
    assert "minh họa" in task["note"]


async def test_an_obstacle_goes_up_to_the_province_and_is_settled_there(told: Told, superior: Signed) -> None:
    told.said(
        r"^Obstacle raised by UBND thị xã Kinh Môn: .*\(minh họa\) → UBND thị xã Đông Triều, until \d\d/\d\d/\d{4}$",
        r"^Measure of UBND thị xã Đông Triều: .* until ",
        r"^Escalated locality → province: in the hands of Ban Thường vụ Tỉnh ủy Quảng Ninh$",
        r"^Mail to quangninh\.leader@.*Khó khăn, vướng mắc được chuyển lên cấp trên",
        r"^Settled by quangninh\.leader after the measure",
    )
    obstacles = (await superior.get("/v1/obstacles", status="resolved", level="province"))["items"]
    assert [(one["origin"], one["measures"][0]["done_at"] is not None) for one in obstacles] == [("raised", True)]


async def test_an_extension_keeps_both_dates(told: Told, superior: Signed) -> None:
    asked, granted = told.said(
        r"^Extension asked for by UBND thị xã Đông Triều: (\S+) → (\S+)$",
        r"^Granted by Ban Thường vụ Tỉnh ủy Quảng Ninh: the deadline is (\S+), the original one (\S+) is kept",
    )
    assert granted.groups() == asked.groups()[::-1]
    [task] = (await superior.get("/v1/tasks", status="completed"))["items"]
    assert (task["extension_count"], task["original_due_on"] < task["due_on"]) == (1, True)


async def test_a_confirmation_is_refused_and_then_granted(told: Told, superior: Signed) -> None:
    told.said(
        r"^Submitted: ",
        r"^Mail to ubnd-kinhmon\.leader@.*Chờ xác nhận",
        r"^Refused by ubnd-kinhmon: .* → in_progress; the confirmation by ubnd-chilinh is void$",
        r"^The refusal opened an obstacle: UBND thị xã Đông Triều settles it until ",
        r"^Settled by ubnd-dongtrieu\.leader: ",
        r"^Progress reported: 100 %$",
        r"^Submitted: ",
        r"^Mail to ubnd-kinhmon\.leader@.*Chờ xác nhận",
        r"^Confirmed from the other side by ubnd-kinhmon → submitted$",
        r"^Confirmed from the other side by ubnd-chilinh → completed$",
    )
    [task] = (await superior.get("/v1/tasks", status="completed"))["items"]
    decisions = (await superior.get(f"/v1/tasks/{task['id']}/confirmations"))["items"]
    assert [one["decision"] for one in decisions[::-1]] == ["confirmed", "refused", "confirmed", "confirmed"]


async def test_a_corridor_tells_of_its_synchrony(told: Told, superior: Signed) -> None:
    told.said(
        r"^Overdue by five working days",
        r"^Corridor: .*\(minh họa\)$",
        r"^Segment of UBND thị xã Đông Triều: finished on .* funding allocated$",
        r"^Segment of UBND thành phố Chí Linh: 10 %, .* funding proposed$",
        r"^Segment of UBND huyện Lục Nam: 0 %, .* funding none$",
    )
    told.said(r"^Synchrony, skew: Các đoạn hoàn thành lệch nhau 820 ngày")
    told.said(r"^Synchrony, stub: .*Đông Triều.* dừng tại ranh giới: chờ .*Chí Linh")
    told.said(r"^Synchrony, not_in_plan: .*Lục Nam.* chưa được đề xuất vào kế hoạch đầu tư công trung hạn nào")
    # The period that the article names closed on 31/12/2025.
    told.said(
        r"^Funding gate missed: .*2021-2025",
        r"^Mail to haiduong\.leader@.*đã kết thúc ngày 31/12/2025 mà nhiệm vụ chưa có trong kế hoạch",
    )
    [corridor] = (await superior.get("/v1/corridors"))["items"]
    assert corridor["demonstration"]
    assert "names no road" in corridor["description"]


async def test_the_reform_comes_last_and_leaves_the_promises_standing(told: Told) -> None:
    told.said(
        r"^Evaluation report \(party layout\)",
        r"^Re-pointed: 1 agreement, 3 open tasks",
        r"^The story is told: one promise kept",
    )
    assert {path.name for path in told.stack.out.iterdir()} >= {"danh-gia-352-party.pdf", "danh-gia-352-state.pdf"}
