"""Rules of the walk for documents: attached, used elsewhere, opened, removed; what something rests on is kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from agreements_api import policy
from tests.agreements_api.agreements.world import Json
from tests.agreements_api.documents.files import pdf
from tests.agreements_api.state.book import Beside, Plan, Report, Task
from tests.agreements_api.state.cast import Player
from tests.agreements_api.state.document_checks import check_content
from tests.agreements_api.state.play import Ask, Upload
from tests.agreements_api.state.walking import Walking, turn

# So few different contents that the same one comes again, also to the same place.
_CONTENTS = tuple(pdf(f"Biên bản {number}") for number in range(4))
_DIGESTS = {hashlib.sha256(content).hexdigest(): content for content in _CONTENTS}
# A report keeps what it names, and nothing else would: as rare as it is important.
KEPT = "kept: evidence"
_ADDING = {
    "agreement": "document.add",
    "task": "evidence.add",
    "report": "evidence.add",
    "obstacle": "obstacle.add_evidence",
    "meeting": "meeting.add_document",
}


@dataclass(frozen=True)
class Subject:
    """What a document is attached to."""

    kind: str
    id: str
    plan: Plan
    task: Task | None = None
    # Who gave the report or hosts the meeting.
    owner: str = ""
    # Whether it takes no documents any more.
    closed: bool = False

    def may_add(self, player: Player) -> bool:
        relations = (self.task or self.plan).relations(player.key)
        if self.kind == "meeting" and player.key == self.owner:
            relations = {*relations, "own"}
        if self.kind == "report" and player.key != self.owner:
            return False
        return policy.allowed(player.person.actor, _ADDING[self.kind], relations)


class DocumentRules(Walking):
    """Each has a version and an event, and no log: it stays on record when it is removed."""

    def subject(self, kind: str, number: int) -> Subject:
        """One of the kind; where there is none, a task, and an agreement where there is none either."""
        if kind in ("obstacle", "meeting") and self.book.of(kind):
            one = self.one(self.book.of(kind), number)
            closed = one.state == "cancelled" if one.task is None else one.task.status == "cancelled"
            owner = (self.book.in_place_of(one.owner, one.of_plan) or "") if kind == "meeting" else one.owner
            return Subject(kind, one.id, one.of_plan, one.task, owner, closed)
        reported = [task for task in self.book.tasks if task.reports]
        if kind == "report" and reported:
            task = self.one(reported, number)
            report = self.one(task.reports, number // 7)
            return self._report(task, report)
        if kind != "agreement" and self.book.tasks:
            task = self.one(self.book.tasks, number)
            return Subject("task", task.id, task.plan, task, closed=task.status == "cancelled")
        plan = self.one(self.living_plans(), number)
        return Subject("agreement", plan.id, plan)

    def _report(self, task: Task, report: Report) -> Subject:
        """Whoever has the place of the one who gave it today attaches to it."""
        owner = self.book.in_place_in(task, report.by) or ""
        return Subject("report", report.id, task.plan, task, owner, task.status == "cancelled")

    def lies_there(self, subject: Subject, digest: str) -> bool:
        return any(
            (one.more["subject"], one.more["digest"], one.state) == (subject.id, digest, "")
            for one in self.book.of("document")
        )

    def kept(self, document: Beside) -> bool:
        """Whether something rests on it: docs/documents.md, "Removing"."""
        rests: set[str] = document.more["rests"]
        return "named" in rests or self._kept_beside(document, rests)

    def _kept_beside(self, document: Beside, rests: set[str]) -> bool:
        """By anything else than a report that names it."""
        subject_id = document.more["subject"]
        task, plan = document.task, document.of_plan
        match document.more["kind"]:
            case "agreement":
                return "opened" in rests and plan.status != "draft"
            case "task":
                assert task is not None
                return "reported" in rests or task.status in ("submitted", "completed")
            case "obstacle":
                obstacle = next(one for one in self.book.of("obstacle") if one.id == subject_id)
                return "escalate" in rests or ("resolve" in rests and obstacle.state == "resolved")
            case "meeting":
                return "recorded" in rests
        return True

    @turn(
        4,
        when=lambda self: len(self.book.of("document")) < 12,
        kind=("task", "agreement", "obstacle", "meeting", "report", "task"),
    )
    def attach_a_document(self, what: int, who: int, number: int, kind: str, mode: str) -> None:
        subject = self.subject(kind, what)
        content = self.one(_CONTENTS, number)
        digest = hashlib.sha256(content).hexdigest()
        player = self.somebody(who, subject.may_add)
        ask = Ask(
            "add_document",
            "POST",
            "/v1/documents",
            upload=Upload(f"Biên bản {number % 9}.pdf", content),
            query={"subject_kind": subject.kind, "subject_id": subject.id},
            visible=self.book.sees(player, subject.plan),
            permitted=subject.may_add(player),
            possible=not subject.closed and not self.lies_there(subject, digest),
            logs=[],
            events=["document.added"],
        )
        answer = self.ask(player, ask, mode)
        if answer.ok:
            self._attached(answer.body, subject, player, digest)

    def _attached(self, body: Json, subject: Subject, player: Player, digest: str) -> None:
        shown = (body["digest"], body["subject_id"], body["agreement_id"], body["removed_at"])
        if shown != (digest, subject.id, subject.plan.id, None):
            raise self.play.broken(f"another document than the one that was attached: {body}")
        self.book.add(
            "document",
            id=body["id"],
            path=f"/v1/documents/{body['id']}",
            task=subject.task,
            plan=None if subject.task else subject.plan,
            owner=player.key,
            more={"kind": subject.kind, "subject": subject.id, "digest": digest, "rests": set()},
        )

    @turn(1, when=lambda self: self.book.of("document") and self.book.tasks)
    def prove_something_by_it(self, what: int, who: int, number: int, mode: str) -> None:
        """A document counts as evidence of a task, or of one of its reports, as well."""
        document = self.one(self.book.of("document"), what)
        task = self.any_task(number)
        subject = Subject("task", task.id, task.plan, task, closed=task.status == "cancelled")
        report = self.one(task.reports, number) if task.reports and number % 3 == 0 else None
        if report is not None:
            subject = self._report(task, report)
        may_at_all = Subject("task", task.id, task.plan, task).may_add
        player = self.somebody(who, subject.may_add)
        unknown = document.state == "removed" or not self.book.sees(player, document.of_plan)
        digest = document.more["digest"]
        ask = Ask(
            "add_evidence",
            "POST",
            f"{task.path}/evidence",
            {"document_id": document.id} | ({} if report is None else {"report_id": report.id}),
            visible=self.book.sees(player, task.plan),
            permitted=may_at_all(player) and subject.may_add(player),
            possible=not subject.closed and not self.lies_there(subject, digest) and not unknown,
            logs=[],
            events=["document.added"],
        )
        answer = self.ask(player, ask, mode)
        if answer.ok:
            self._attached(answer.body, subject, player, digest)

    @turn(3, when=lambda self: self.book.of("document"))
    def remove_a_document(self, what: int, who: int, mode: str) -> None:
        documents = self.book.of("document")
        loose = [one for one in documents if not one.state and not self.kept(one)]
        self.remove(self.one(loose if loose and what % 3 else documents, what // 3), who, mode)

    def kept_as_evidence(self) -> list[Beside]:
        """What would be gone but for a report that names it."""
        there = [one for one in self.book.of("document") if not one.state and "named" in one.more["rests"]]
        return [one for one in there if not self._kept_beside(one, one.more["rests"])]

    def remove(self, document: Beside, who: int, mode: str) -> None:
        plan = document.of_plan

        def may(player: Player) -> bool:
            own = player.key == document.owner and self.book.stands(player.key, plan)
            return policy.allowed(player.person.actor, "document.remove", {"own"} if own else set())

        player = self.somebody(who, may)
        ask = self.beside_ask(
            player,
            document,
            "remove_document",
            "remove",
            None,
            method="DELETE",
            path=document.path,
            permitted=may(player),
            possible=not document.state and not self.kept(document),
            logs=[],
            events=["document.removed"],
        )
        as_evidence = document in self.kept_as_evidence()
        answer = self.ask(player, ask, mode)
        if answer.ok:
            document.state = "removed"
        elif as_evidence and answer.status == 409:
            for done in (self.stage.tally.done, self.play.done):
                done[KEPT] += 1

    @turn(1, when=lambda self: self.book.of("document"))
    def open_a_document(self, what: int, who: int) -> None:
        """Whoever sees it gets what was sent, to the last byte."""
        self.count()
        document = self.one(self.book.of("document"), what)
        player = self.one(self.cast.players, who)
        seen = self.book.sees(player, document.of_plan)
        readable = policy.allowed(player.person.actor, "document.read", {"party"})
        if seen and readable:
            content = None if document.state else _DIGESTS[document.more["digest"]]
            self.run(check_content(self.play, player, document, content))
        elif not seen and player.is_person:
            self.run(self.play.check_unseen(player, document.path))

    @turn(1, when=lambda self: self.book.of("document"))
    def sweep_up(self) -> None:
        """The role that lets go of contents: whatever a document refers to stays, and nothing else."""
        self.count()
        self.run(self.stage.backstage.sweep())
        expected = {one.more["digest"] for one in self.book.of("document") if not one.state}
        found = self.run(self.play.tables.contents())
        if found != expected:
            raise self.play.broken(f"the contents {sorted(found)} are kept, and documents refer to {sorted(expected)}")
