"""Whoever gets a part in an agreement later sees how it has been amended as well."""

from alembic import op

from shared.db.migrations import run_script

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

# Being shown an amendment gives no step: a relation counts where its source is the agreement itself or a task of it. An
# amendment is not amended, so that what is added here adds nothing further.
UPGRADE = """
create function agreement_member_read_amendments() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    -- A statement that adds nothing would call this one again, for ever.
    if exists (select from changed c join agreement a on a.amends_agreement_id = c.agreement_id
               where a.in_force_on is not null) then
        insert into agreement_member (agreement_id, organization_id, source_id, relation)
            select distinct a.id, c.organization_id, c.agreement_id, c.relation
            from changed c join agreement a on a.amends_agreement_id = c.agreement_id and a.in_force_on is not null
            on conflict do nothing;
    end if;
    return null;
end $$;
create trigger agreement_member_amendments after insert on agreement_member referencing new table as changed
    for each statement execute function agreement_member_read_amendments();

insert into agreement_member (agreement_id, organization_id, source_id, relation)
    select distinct a.id, m.organization_id, m.agreement_id, m.relation
    from agreement a join agreement_member m on m.agreement_id = a.amends_agreement_id
    where a.in_force_on is not null
    on conflict do nothing;
"""
# Who has seen an amendment goes on seeing it.
DOWNGRADE = """
drop trigger agreement_member_amendments on agreement_member;
drop function agreement_member_read_amendments();
"""


def upgrade() -> None:
    run_script(op, UPGRADE)


def downgrade() -> None:
    run_script(op, DOWNGRADE)
