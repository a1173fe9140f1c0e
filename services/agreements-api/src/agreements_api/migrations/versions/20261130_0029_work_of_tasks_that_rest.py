"""Nothing is asked of anybody by a task that is suspended or over, whatever lies beside it."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_NO_REPORT = "null::date as reported_to, null::text as cycle, false as came_back"
# An explanation is also asked for once the task is completed.
URGING = f"""
select u.id as subject_id, coalesce(h.id, u.organization_id) as organization_id, 'answer_' || u.kind as step,
    'own' as relation, u.agreement_id, u.task_id, u.answer_due_on as due_on, {_NO_REPORT}
from task_urging u join task t on t.id = u.task_id left join lateral (
    select (y.party->>'organization_id')::uuid as id
    from (select t.parties->'lead' as party
          union all select jsonb_array_elements(t.parties->'coordinating')
          union all select jsonb_array_elements(t.parties->'monitoring')) y
    where coalesce(y.party->>'promised_by_organization_id', y.party->>'organization_id')
        = u.promised_by_organization_id::text
    limit 1) h on true
where u.status = 'open' and t.status not in ({{resting}}) and (u.kind = 'explanation' or t.status <> 'completed')
"""
EXTENSION = f"""
select e.id as subject_id, m.organization_id, 'decide_extension' as step, m.relation, e.agreement_id, e.task_id,
    e.due_on, {_NO_REPORT}
from task_extension e join task t on t.id = e.task_id cross join lateral (
    select n.organization_id, min(n.relation) as relation
    from (select * from agreement_member s where s.agreement_id = e.agreement_id offset 0) n
    where n.source_id in (e.agreement_id, e.task_id)
      and n.relation in ('custodian', 'monitor', 'superior')
    group by n.organization_id) m
where e.state = 'requested' and t.status not in ({{resting}}, 'completed')
"""


def _answering(side: str) -> str:
    return f"""coalesce((select (y.one->>'organization_id')::uuid
        from (select t.parties->'lead' union all select jsonb_array_elements(t.parties->'coordinating')) y(one)
        where coalesce(y.one->>'promised_by_organization_id', y.one->>'organization_id') = b.{side}_promiser_id::text
        limit 1), b.{side}_organization_id)"""


BOUNDARY_CASE = f"""
select b.id as subject_id, side.organization_id, 'confirm_handover' as step, 'own' as relation, b.agreement_id,
    b.task_id, min(s.due_on) as due_on, {_NO_REPORT}
from boundary_case b join task t on t.id = b.task_id cross join lateral (
    select * from boundary_case_step n where n.case_id = b.id and n.completed_at is null order by n.ordinal limit 1) s
cross join lateral (values ({_answering("first")}, s.first_confirmed_at),
    ({_answering("second")}, s.second_confirmed_at)) side(organization_id, confirmed_at)
where b.state = 'open' and side.confirmed_at is null {{resting}}
group by b.id, side.organization_id
"""
RESTING = "'suspended', 'cancelled'"
NOW = {
    "urging": URGING.format(resting=RESTING),
    "extension": EXTENSION.format(resting=RESTING),
    "boundary_case": BOUNDARY_CASE.format(resting=f"and t.status not in ({RESTING}, 'completed')"),
}
BEFORE = {
    "urging": URGING.format(resting="'cancelled'"),
    "extension": EXTENSION.format(resting="'cancelled'"),
    "boundary_case": BOUNDARY_CASE.format(resting=""),
}
# What lies open beside a task that rests: of all else neither view has another opinion.
TOUCHED = {
    "urging": "task_urging s join task t on t.id = s.task_id where s.status = 'open'",
    "extension": "task_extension s join task t on t.id = s.task_id where s.state = 'requested'",
    "boundary_case": "boundary_case s join task t on t.id = s.task_id where s.state = 'open'",
}


def upgrade() -> None:
    _follow(NOW)


def downgrade() -> None:
    _follow(BEFORE)


def _follow(views: dict[str, str]) -> None:
    for name, view in views.items():
        op.execute(f"create or replace view open_work_of_{name} as {view}")
        op.execute(
            f"select open_work_refresh_{name}(array("
            f"select s.id from {TOUCHED[name]} and t.status in ('suspended', 'cancelled', 'completed')))"
        )
