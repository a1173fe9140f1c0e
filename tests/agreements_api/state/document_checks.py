"""What is promised of documents: what was sent comes back, lists are whole, and what a report names stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.agreements_api.state.book import Beside
from tests.agreements_api.state.cast import Player

if TYPE_CHECKING:
    from tests.agreements_api.state.play import Play


async def check_content(play: Play, player: Player, document: Beside, content: bytes | None) -> None:
    """The content comes through a link as it was sent; None where the document was removed."""
    link = await player.person.get(f"{document.path}/link")
    if content is None:
        if link.status_code != 410:
            raise play.broken(f"{document.name} was removed, and its link says {link.status_code}")
        return
    if link.status_code != 200:
        raise play.broken(f"{player} gets no link to {document.name}: {link.status_code} {link.text}")
    path = link.json()["url"].removeprefix("http://127.0.0.1:8080")
    answer = await player.person.http.get(path)
    if (answer.status_code, answer.content) != (200, content):
        raise play.broken(f"the content of {document.name} is another one: {answer.status_code} {answer.text[:100]}")


async def check_documents(play: Play) -> None:
    """Each agreement lists all that lies in it, each report what it names, and none of that is ever removed."""
    proof = {one for task in play.book.tasks for report in task.reports for one in report.evidence}
    for plan in play.book.plans:
        known = [one for one in play.book.of("document") if one.of_plan is plan]
        if not known or plan.discarded:
            continue
        reader = play.cast.of(plan.custodian)
        page = await play.read(reader, "/v1/documents", agreement_id=plan.id, removed=True, limit=200)
        shown = {item["id"]: (item["digest"], item["removed_at"] is not None) for item in page["items"]}
        expected = {one.id: (one.more["digest"], one.state == "removed") for one in known}
        if shown != expected:
            raise play.broken(f"{plan.name} lists the documents {shown}, the model {expected}")
        lost = [document_id for document_id, (_, removed) in shown.items() if removed and document_id in proof]
        if lost:
            raise play.broken(f"reports name {lost}, which were removed")
    for task in play.book.tasks:
        if not any(report.evidence for report in task.reports):
            continue
        page = await play.read(play.cast.of(task.plan.custodian), f"{task.path}/reports", limit=200)
        named = {item["id"]: [one["document_id"] for one in item["evidence"]] for item in page["items"]}
        if named != {report.id: report.evidence for report in task.reports}:
            raise play.broken(f"the reports of {task.name} name {named}")
