"""The one table of permissions: what it allows, that every domain asks it, and how it is printed."""

from uuid import uuid4

import pytest

from agreements_api.agreements import permissions as agreements
from agreements_api.agreements.models import AgreementStatus
from agreements_api.app import create_app  # noqa: F401 - importing the application fills the table
from agreements_api.policy import (
    MEMBERS,
    POLICY,
    ROLE_WORDING,
    Relation,
    Role,
    Rule,
    allowed,
    as_markdown,
    check_scope,
    register,
    scopes,
)
from agreements_api.tasks import permissions as tasks
from agreements_api.tasks.models import TaskStatus
from shared.auth import SYSTEM, Actor
from shared.problems import Forbidden


def somebody(*roles: Role) -> Actor:
    return Actor(uuid4(), "user", "x", roles=frozenset(role.value for role in roles))


def client(*given: str) -> Actor:
    return Actor(uuid4(), "client", "x", roles=frozenset({Role.CLIENT.value}), scopes=frozenset(given))


def test_a_role_is_allowed_only_in_the_relation_that_the_table_names() -> None:
    leader = somebody(Role.LEADER)
    assert allowed(leader, "task.confirm", [Relation.COORDINATING])
    assert not allowed(leader, "task.confirm", [Relation.LEAD, Relation.PARTY, Relation.SUPERIOR])
    assert not allowed(somebody(Role.SPECIALIST), "task.confirm", [Relation.COORDINATING])
    assert not allowed(leader, "task.confirm")


def test_several_roles_may_what_each_of_them_may() -> None:
    both = somebody(Role.VIEWER, Role.SPECIALIST)
    assert allowed(both, "task.report", [Relation.LEAD])
    assert not allowed(both, "agreement.sign", [Relation.PARTY])


def test_a_client_goes_by_its_scope_and_never_by_a_role() -> None:
    assert allowed(client("tasks:write"), "task.report", [Relation.LEAD])
    assert not allowed(client("tasks:read"), "task.report", [Relation.LEAD])
    assert not allowed(client("tasks:write"), "task.report", [Relation.COORDINATING])
    disguised = Actor(uuid4(), "client", "x", roles=frozenset({"leader", "operator"}))
    assert not allowed(disguised, "agreement.sign", [Relation.PARTY])


def test_a_client_reads_as_far_as_its_scopes_go_and_a_person_what_he_is_member_of() -> None:
    for reader in (client("tasks:read"), somebody(Role.VIEWER), somebody()):
        check_scope(reader, "task.read")
    for stranger in (client("agreements:read"), client()):
        with pytest.raises(Forbidden):
            check_scope(stranger, "task.read")


def test_nobody_who_signs_or_decides_is_a_machine() -> None:
    for action in ("agreement.sign", "agreement.decline", "agreement.open", "task.confirm", "task.return"):
        assert all(rule.scope is None for rule in POLICY if rule.action == action)


def test_an_action_that_nobody_registered_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        allowed(somebody(Role.LEADER), "task.dance")


def test_the_product_itself_may_everything() -> None:
    assert allowed(SYSTEM, "task.cancel")


def test_a_viewer_reads_and_changes_nothing_but_himself() -> None:
    actions = {rule.action for rule in POLICY}
    may = {action for action in actions if allowed(somebody(Role.VIEWER), action, list(Relation))}
    reads = {action for action in actions if action.endswith(".read") and action != "client.read"}
    assert may == reads | {"me.update", "user.read_history"}


def test_every_step_of_the_workflows_is_in_the_table() -> None:
    actions = {rule.action for rule in POLICY}
    assert set(agreements.STEPS) == set(AgreementStatus)
    assert set(tasks.STEPS) == set(TaskStatus)
    assert {f"agreement.{step}" for steps in agreements.STEPS.values() for step in steps} <= actions
    assert {f"task.{step}" for steps in tasks.STEPS.values() for step in steps} <= actions


def test_every_relation_and_role_of_the_table_is_known() -> None:
    for rule in POLICY:
        assert rule.roles <= set(Role)
        assert rule.relations <= set(Relation)
        assert rule.roles or rule.scope
    assert set(ROLE_WORDING) == set(Role)
    assert set(Role) > MEMBERS


def test_the_scopes_are_those_that_a_client_can_use() -> None:
    assert set(scopes()) >= {"agreements:read", "localities:read", "reports:read", "tasks:read", "tasks:write"}
    assert scopes() == sorted(scopes())


def test_registering_a_row_again_adds_nothing() -> None:
    before = len(POLICY)
    rule = POLICY[0]
    register(Rule(rule.action, rule.roles, rule.relations, rule.scope, rule.note))
    assert len(POLICY) == before


def test_the_printed_table_has_a_line_for_each_action() -> None:
    head, rule, *lines = as_markdown().splitlines()
    assert head.count("|") == rule.count("|") == len(Role) + 3
    assert [line.split("`")[1] for line in lines] == sorted({row.action for row in POLICY})
    confirm = next(line for line in lines if line.startswith("| `task.confirm`"))
    cells = [cell.strip() for cell in confirm.strip("|").split("|")]
    assert cells[1:-1] == ["coordinating" if role is Role.LEADER else "" for role in Role]
