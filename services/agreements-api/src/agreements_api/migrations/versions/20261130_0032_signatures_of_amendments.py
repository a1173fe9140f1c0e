"""Nobody is asked to sign an amendment of what has ended."""

from alembic import op

from shared.db.migrations import run_script

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

# In sequence, everybody who is waited for and comes before has signed. What has ended is amended by nobody.
_SIGNING = """
create or replace view open_work_of_signing as
select a.id as subject_id, coalesce(p.responsible_organization_id, p.organization_id) as organization_id,
    'sign' as step, 'party' as relation, a.id as agreement_id, null::uuid as task_id, a.sign_by as due_on,
    null::date as reported_to, null::text as cycle, false as came_back
from agreement a join agreement_party p on p.agreement_id = a.id
where a.status = 'open_for_signature' and p.signed_at is null and (a.signing_order <> 'sequential' or not exists (
    select from agreement_party o where o.agreement_id = a.id and o.ordinal < p.ordinal and o.required
      and o.role <> 'witness' and o.signed_at is null)){amending}
group by a.id, 2
"""
SIGNING = _SIGNING.format(
    amending="""
  and (a.amends_agreement_id is null or exists (
    select from agreement o where o.id = a.amends_agreement_id and o.status in ('in_force', 'suspended')))"""
)
BEFORE = _SIGNING.format(amending="")

_FOLLOW = """
create or replace function open_work_follow_agreement() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    touched uuid[];
    signing uuid[];
    kept uuid[];{declared}
begin
    select array_agg(n.id),
        array_agg(n.id) filter (where 'open_for_signature' in (n.status, o.status)),
        array_agg(n.id) filter (where n.custodian_organization_id <> o.custodian_organization_id){found}
    into touched, signing, kept{into} from changed n join was o on o.id = n.id
    where (n.status, n.sign_by, n.signing_order, n.custodian_organization_id)
        is distinct from (o.status, o.sign_by, o.signing_order, o.custodian_organization_id);
    if touched is not null then
        perform open_work_refresh_signing(signing);
        perform open_work_refresh_outcome(array(
            select u.id from meeting m join meeting_outcome u on u.meeting_id = m.id
            where m.agreement_id = any(touched) and u.task_id is null));
    end if;{followed}
    if kept is not null then
        perform open_work_refresh_task(array(
            select id from task where agreement_id = any(kept) and status = 'submitted'));
    end if;
    return null;
end $$;
"""
FOLLOW = _FOLLOW.format(
    declared="""
    ended uuid[];""",
    found=""",
        array_agg(n.id) filter (
            where (n.status in ('in_force', 'suspended')) <> (o.status in ('in_force', 'suspended')))""",
    into=", ended",
    followed="""
    if ended is not null then
        perform open_work_refresh_signing(array(
            select id from agreement where amends_agreement_id = any(ended) and status = 'open_for_signature'));
    end if;""",
)
NO_FOLLOW = _FOLLOW.format(declared="", found="", into="", followed="")

REFRESH = """
select open_work_refresh_signing(array(
    select id from agreement where status = 'open_for_signature' and amends_agreement_id is not null))
"""


def upgrade() -> None:
    op.execute(SIGNING)
    run_script(op, FOLLOW)
    op.execute(REFRESH)


def downgrade() -> None:
    run_script(op, NO_FOLLOW)
    op.execute(BEFORE)
    op.execute(REFRESH)
