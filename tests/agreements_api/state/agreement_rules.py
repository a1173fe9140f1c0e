"""Rules of the walk for agreements: drafted, signed, amended, ended."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from agreements_api.policy import Role
from tests.agreements_api.agreements.world import PLAN, Json, signature
from tests.agreements_api.state.book import AGREEMENT_STEPS, Plan
from tests.agreements_api.state.cast import CUSTODIANS, PARTIES, Player
from tests.agreements_api.state.play import PLAIN, Ask
from tests.agreements_api.state.walking import Walking, turn

_CLAUSE = {"heading": "Xúc tiến", "text": "Quảng bá sản phẩm, du lịch (minh họa).", "field": "du lịch"}
_REASON = {"reason": "Hai bên đã thống nhất (minh họa)."}
# Steps that only need a reason: what they write, and where the agreement stands then.
_TURNS = {
    "suspend": ("agreement.suspended", "suspended"),
    "resume": ("agreement.resumed", "in_force"),
    "conclude": ("agreement.concluded", "concluded"),
    "terminate": ("agreement.terminated", "terminated"),
}


class AgreementRules(Walking):
    """Everything that happens to an agreement itself."""

    def plan_ask(self, player: Player, plan: Plan, operation: str, step: str, body: Any, **more: Any) -> Ask:
        given: dict[str, Any] = {
            "method": "POST",
            "path": f"{plan.path}/{step}",
            "at": plan.path,
            "visible": self.book.sees(player, plan),
            "permitted": plan.may(player, step),
            "possible": step in plan.steps(player),
        }
        return Ask(operation, step=step, body=body, **(given | more))

    def draft(self, player: Player, parties: list[str], *, mode: str = PLAIN, **more: Any) -> Plan | None:
        """A new draft of the player's body."""
        body = PLAN | {"parties": [{"organization_id": self.cast.id(key)} for key in parties]} | more
        permitted = player.role in (Role.SPECIALIST, Role.LEADER)
        answer = self.ask(
            player,
            Ask(
                "draft_agreement",
                "POST",
                "/v1/agreements",
                body,
                permitted=permitted,
                possible=permitted,
                logs=["draft"],
                events=["agreement.drafted"],
            ),
            mode,
        )
        if not answer.ok:
            return None
        plan = Plan(f"plan {len(self.book.plans) + 1}", answer.body["id"], player.key, parties, title=body["title"])
        plan.order = body.get("signing_order", "parallel")
        plan.sign_by, plan.term_to = (_day(body.get(name)) for name in ("sign_by", "term_to"))
        self.book.plans.append(plan)
        self.check_plan(plan)
        return plan

    def open(self, player: Player, plan: Plan, mode: str = PLAIN) -> None:
        excuses = []
        if plan.amends is not None and (
            plan.amendment_kind == "renewal" or not {*plan.amends.parties} <= {*plan.parties}
        ):
            excuses.append("incomplete")
        if plan.signing_over(self.today):
            excuses.append("incomplete")
        ask = self.plan_ask(
            player,
            plan,
            "open_agreement",
            "open",
            {},
            possible="open" in plan.steps(player) - self.book.held_up(plan, self.today),
            excuses=excuses,
            logs=["open"],
            events=["agreement.opened_for_signature"],
        )
        answer = self.ask(player, ask, mode)
        if not answer.ok:
            return
        plan.status = "open_for_signature"
        plan.version += 1
        plan.digest = answer.body["text_digest"]
        plan.present()
        self.book.rest_on(plan.id, "opened")
        if plan.amends is not None:
            plan.guests.add(plan.amends.custodian)
        self.check_plan(plan)

    def sign(self, player: Player, plan: Plan, mode: str = PLAIN) -> None:
        excuses = []
        if player.key in plan.parties:
            excuses += [] if plan.is_turn(player.key) else ["not_your_turn"]
            excuses += ["already_signed"] if player.key in plan.signed else []
        possible = "sign" in plan.steps(player) - self.book.held_up(plan, self.today)
        amended = plan.amends
        last = {*plan.signed, player.key} >= set(plan.parties)
        logs, events = ["sign"], ["agreement.signed"]
        if last:
            logs, events = [*logs, "enter_into_force"], [*events, "agreement.in_force"]
            if amended is not None:
                renews = plan.amendment_kind == "renewal"
                logs.append("renew" if renews else "amend")
                events.append("agreement.renewed" if renews else "agreement.amended")
        more: dict[str, Any] = {"possible": possible, "excuses": excuses, "logs": logs, "events": events}
        ask = self.plan_ask(player, plan, "sign_agreement", "sign", signature(player.key), **more)
        answer = self.ask(player, ask, mode)
        if not answer.ok:
            return
        if excuses:
            raise self.play.broken(f"{player} has signed {plan.name} against {excuses}")
        plan.signed.add(player.key)
        plan.version += 1
        if last:
            plan.version += 1
            plan.status, plan.in_force_on = "in_force", self.today
            if amended is not None:
                amended.version += 1
                if plan.amendment_kind == "renewal":
                    amended.term_to = plan.term_to
                amended.clauses = self._clauses(amended)
                # Whoever sees the agreement by now sees how it was amended.
                readers = {one.key for one in self.cast.players if self.book.sees(one, amended)}
                plan.guests |= {key for key in readers if self.book.stands(key, amended)}
                plan.members |= {(key, "former") for key in readers - plan.guests}
                self.check_plan(amended)
        self.check_plan(plan)

    def _clauses(self, plan: Plan) -> list[str]:
        page = self.run(self.play.read(self.cast.of(plan.custodian), f"{plan.path}/clauses"))
        return [clause["id"] for clause in page["items"]]

    def in_force(self, parties: list[str]) -> Plan:
        """A plan that all have signed."""
        plan = self.draft(self.cast.of(parties[0]), parties)
        assert plan is not None
        self.open(self.cast.of(plan.custodian), plan)
        for key in parties:
            self.sign(self.cast.of(key), plan)
        plan.clauses = self._clauses(plan)
        return plan

    @turn(2, when=lambda self: self.room_for_plans)
    def draft_a_plan(self, who: int, number: int, mode: str) -> None:
        player = self.somebody(who, lambda one: one.key in CUSTODIANS and one.role in (Role.SPECIALIST, Role.LEADER))
        parties = list(dict.fromkeys([self.one(PARTIES, number), *self.some(PARTIES, number // 4, 3)]))
        more: Json = {"signing_order": self.one(("parallel", "sequential"), number // 3)}
        if number % 5 == 0:
            more["sign_by"] = self.day(number % 12)
        if number % 4 == 0:
            more["term_to"] = self.day(20 + number % 60)
        self.draft(player, parties, mode=mode, **more)

    @turn(1)
    def change_a_draft(self, what: int, who: int, number: int, mode: str) -> None:
        plans = self.living_plans()
        drafts = [plan for plan in plans if plan.status == "draft"]
        plan = self.one(drafts if drafts and what % 5 else plans, what // 5)
        player = self.somebody(who, lambda one: plan.may(one, "update"))
        body: Json = {"title": f"Kế hoạch phối hợp, dự thảo {number % 3}"}
        parties = None
        if number % 3 == 0 and plan.amends is None:
            parties = list(dict.fromkeys([*PARTIES[:2], *self.some(PARTIES, number // 5, 4)]))
            body["parties"] = [{"organization_id": self.cast.id(key)} for key in parties]
        if number % 7 == 0:
            body["sign_by"] = None
        same = body == {"title": plan.title} or (
            body.keys() == {"title", "sign_by"} and (body["title"], None) == (plan.title, plan.sign_by)
        )
        ask = self.plan_ask(
            player,
            plan,
            "update_agreement",
            "update",
            body,
            method="PATCH",
            path=plan.path,
            logs=[] if same else ["update"],
            events=[] if same else ["agreement.updated"],
        )
        if self.ask(player, ask, mode).ok:
            plan.version += not same
            plan.title, plan.parties = body["title"], parties or plan.parties
            plan.origin = plan.origin if parties is None else {}
            plan.sign_by = None if "sign_by" in body else plan.sign_by
            self.check_plan(plan)

    @turn(1)
    def delete_a_draft(self, what: int, who: int, mode: str) -> None:
        plans = self.living_plans()
        new = [plan for plan in plans if plan.status == "draft" and not plan.presented]
        plan = self.one(new if new and what % 3 == 1 else plans, what // 3)
        player = self.somebody(who, lambda one: plan.may(one, "delete"))
        ask = self.plan_ask(
            player,
            plan,
            "delete_agreement",
            "delete",
            None,
            method="DELETE",
            path=plan.path,
            excuses=["was_presented"] if plan.presented else [],
            logs=["delete"],
            events=["agreement.discarded"],
        )
        # Not the only one: the walk goes on with those that there are.
        if plan.status == "draft" and len(plans) == 1:
            return
        if self.ask(player, ask, mode if mode != "with a bad body" else PLAIN).ok:
            plan.discarded = True

    @turn(2)
    def open_a_draft(self, what: int, who: int, mode: str) -> None:
        drafts = [plan for plan in self.living_plans() if plan.status == "draft"]
        if not drafts and what % 5:
            return self.sign_a_plan(what, who, mode)
        plan = self.one(drafts if drafts and what % 5 else self.living_plans(), what // 5)
        player = self.somebody(who, lambda one: plan.may(one, "open"))
        if plan.amends is None and len(plan.parties) < 2:
            ask = self.plan_ask(player, plan, "open_agreement", "open", {}, excuses=["incomplete"])
            if self.ask(player, ask, mode).ok:
                raise self.play.broken(f"{plan.name} is opened for one party alone")
            return None
        return self.open(player, plan, mode)

    @turn(4)
    def sign_a_plan(self, what: int, who: int, mode: str) -> None:
        plans = [plan for plan in self.living_plans() if plan.status == "open_for_signature"]
        plan = self.one(plans if plans and what % 6 else self.living_plans(), what // 6)
        player = self.somebody(who, lambda one: plan.may(one, "sign") and one.key not in plan.signed)
        if "party" in plan.relations(player.key) and player.key not in plan.parties:
            # It was party to an earlier text of the draft.
            return
        self.sign(player, plan, mode)

    @turn(2, step=("decline", "recall", "recall"))
    def take_a_text_back(self, what: int, who: int, step: str, mode: str) -> None:
        plans = [plan for plan in self.living_plans() if plan.status == "open_for_signature"]
        if not plans and what % 6:
            return self.open_a_draft(what, who, mode)
        plan = self.one(plans if plans and what % 6 else self.living_plans(), what // 6)
        player = self.somebody(who, lambda one: plan.may(one, step))
        event = {"decline": "agreement.declined", "recall": "agreement.recalled"}[step]
        excuses = ["already_signed"] if step == "decline" and player.key in plan.signed else []
        ask = self.plan_ask(
            player, plan, f"{step}_agreement", step, _REASON, excuses=excuses, logs=[step], events=[event]
        )
        if "party" in plan.relations(player.key) and player.key not in plan.parties:
            return None
        if self.ask(player, ask, mode).ok:
            plan.version += 1
            plan.withdraw()
            self.check_plan(plan)
        return None

    @turn(1, step=("amend", "renew"))
    def amend_a_plan(self, what: int, who: int, number: int, step: str, mode: str) -> None:
        amended = self.one(self.living_plans(), what)
        if not self.room_for_plans and step in amended.steps(self.cast.of(amended.custodian)):
            return
        player = self.somebody(who, lambda one: amended.may(one, step))
        body: Json = {"clauses": [_CLAUSE | {"operation": "add"}]}
        if step == "amend" and amended.clauses and number % 3:
            operation = self.one(("replace", "repeal"), number)
            body = {"clauses": [_CLAUSE | {"operation": operation, "target_clause_id": amended.clauses[0]}]}
        term_to = None
        if step == "renew":
            term_to = max(self.today, amended.term_to or self.today) + timedelta(days=30 + number % 90)
            body = {"term_to": term_to.isoformat()}
        ask = self.plan_ask(
            player,
            amended,
            f"{step}_agreement",
            step,
            body,
            excuses=["term_not_later", "incomplete", "no_term"] if step == "renew" else [],
            logs=["draft"],
            events=["agreement.drafted"],
        )
        answer = self.ask(player, ask, mode)
        if not answer.ok:
            return
        plan = Plan(
            f"plan {len(self.book.plans) + 1}",
            answer.body["id"],
            player.key,
            [self.cast.key(party["organization_id"]) for party in answer.body["parties"]],
            title=answer.body["title"],
            order=answer.body["signing_order"],
            term_to=term_to if step == "renew" else _day(answer.body["term_to"]),
            amends=amended,
            amendment_kind="renewal" if step == "renew" else "amendment",
        )
        self.book.plans.append(plan)
        self.check_plan(plan)

    @turn(2, step=("suspend", "suspend", "resume", "resume", "conclude", "terminate"))
    def turn_a_plan(self, what: int, who: int, step: str, mode: str) -> None:
        plans = self.living_plans()
        # An ending is only for what others go on beside; most walks would be over soon.
        if step in ("conclude", "terminate") and sum(plan.status == "in_force" for plan in plans) < 2:
            step = "resume"
        able = [plan for plan in plans if plan.status in AGREEMENT_STEPS[step] and plan.amends is None]
        if not able and what % 6:
            return self.sign_a_plan(what, who, mode)
        plan = self.one(able if able and what % 6 else plans, what // 6)
        player = self.somebody(who, lambda one: plan.may(one, step))
        event, status = _TURNS[step]
        ask = self.plan_ask(player, plan, f"{step}_agreement", step, _REASON, logs=[step], events=[event])
        if self.ask(player, ask, mode).ok:
            plan.version += 1
            plan.status = status
            plan.ended_on = self.today if status in ("concluded", "terminated") else None
            self.check_plan(plan)
        return None


def _day(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)
