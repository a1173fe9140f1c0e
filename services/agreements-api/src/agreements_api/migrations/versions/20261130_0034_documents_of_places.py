"""Whoever has the place of the body that attached a document takes it away in its stead."""

from alembic import op

from shared.db.migrations import run_script

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

APP = "agreements_app"

# A body that stands to the agreement itself keeps what it attached.
HOLDER = """
create function document_holder(agreement uuid, task_of uuid, organization uuid) returns uuid language sql stable
set search_path = pg_catalog, public, pg_temp as $$
    select case when place_stands(agreement, organization) then organization
        when task_of is null then place_in_agreement(agreement, organization)
        else (select place_beside_task(agreement, t.id, t.parties, organization) from task t where t.id = task_of) end
$$;
revoke all on function document_holder(uuid, uuid, uuid) from public;
grant execute on function document_holder(uuid, uuid, uuid) to {app};

drop policy document_update on document;
create policy document_update on document for update to {app}
    using (lienvung_is_system() or document_holder(agreement_id, task_id, organization_id) = lienvung_org());
"""
BACK = """
drop policy document_update on document;
create policy document_update on document for update to {app}
    using (lienvung_is_system() or organization_id = lienvung_org());
drop function document_holder(uuid, uuid, uuid);
"""


def upgrade() -> None:
    run_script(op, HOLDER.format(app=APP))


def downgrade() -> None:
    run_script(op, BACK.format(app=APP))
