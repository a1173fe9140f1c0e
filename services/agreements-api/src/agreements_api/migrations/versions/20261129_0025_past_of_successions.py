"""What was known of each succession in an agreement at any instant: the versions that a decision has replaced."""

from alembic import op

from shared.db.migrations import run_script

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

APP = "agreements_app"

# Only what is replaced is kept: carrying out a reform writes each case once, and most of them never change.
PAST = """
create table succession_case_past (
    case_id      uuid not null references succession_case,
    version      int not null,
    agreement_id uuid not null references agreement,
    state        jsonb not null,
    primary key (case_id, version)
);
create index succession_case_past_of on succession_case_past (agreement_id);

create function succession_case_keep() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    insert into succession_case_past (case_id, version, agreement_id, state)
        select w.id, w.version, w.agreement_id, to_jsonb(w) from was w order by w.id;
    return null;
end $$;
create trigger succession_case_keep after update on succession_case referencing old table as was
    for each statement execute function succession_case_keep();

alter table succession_case_past enable row level security;
create policy succession_case_past_of_members on succession_case_past to {app} using (lienvung_is_system() or exists (
    select from agreement_access x
    where x.agreement_id = succession_case_past.agreement_id and x.organization_id = lienvung_org()));
grant select on succession_case_past to {app};
"""
# What was decided or replaced before began as this: the proposed unit answered, through its body of the same kind.
BEGINNINGS = """
insert into succession_case_past (case_id, version, agreement_id, state)
select c.id, 1, c.agreement_id, to_jsonb(c) || jsonb_build_object('version', 1, 'unit_id', c.proposed_unit_id,
    'organization_id', heir.id, 'organization_name', heir.name, 'reason', null, 'updated_at', c.created_at,
    'state', case when c.decided_at is null and c.state <> 'open' then 'automatic' else 'open' end, 'decided_at', null,
    'decided_by', null, 'decided_by_name', null, 'decided_by_organization_id', null)
from succession_case c join organization p on p.id = c.promised_by_organization_id left join lateral (
    select o.id, o.name from organization o where o.unit_id = c.proposed_unit_id and o.kind = p.kind
    order by o.created_at, o.id limit 1) heir on true
where c.version > 1
"""
DOWNGRADE = """
drop trigger succession_case_keep on succession_case;
drop function succession_case_keep();
drop table succession_case_past;
"""


def upgrade() -> None:
    run_script(op, PAST.format(app=APP))
    op.execute(BEGINNINGS)


def downgrade() -> None:
    run_script(op, DOWNGRADE)
