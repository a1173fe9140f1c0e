"""Party succession: who answers for a promise, what a person must decide, and the queue in which it is carried out."""

import sqlalchemy as sa
from alembic import op

from shared.db.migrations import run_script

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

APP = "agreements_app"

RECORDS = """
alter table agreement_party
    -- Who answers for what the party signed, where that is another one by now. The name it signed under never changes.
    add column responsible_organization_id   uuid references organization,
    add column responsible_organization_name text,
    add constraint agreement_party_responsible_check
        check ((responsible_organization_id is null) = (responsible_organization_name is null));
alter table agreement
    -- The custodian that drafted it, where another one keeps it by now.
    add column original_custodian_organization_id uuid references organization,
    add column original_custodian_name            text,
    add constraint agreement_original_custodian_check
        check ((original_custodian_organization_id is null) = (original_custodian_name is null));
-- Named by rule, because nobody had registered who answers for a unit.
alter table organization add column by_succession boolean not null default false;

-- Whoever stood in an agreement before another one took the place reads on and does nothing.
alter table agreement_member
    drop constraint agreement_member_relation_check,
    add constraint agreement_member_relation_check check (relation in
        ('party', 'custodian', 'superior', 'lead', 'coordinating', 'monitor', 'former'));
"""

CASES = """
-- One promiser of one record (an agreement, or a task of it) whose unit ended: who took the place, and who said so.
create table succession_case (
    id                          uuid primary key,
    version                     int not null default 1,
    agreement_id                uuid not null references agreement,
    task_id                     uuid references task,
    -- Who promised, under the name of then.
    promised_by_organization_id uuid not null references organization,
    promised_by_name            text not null,
    -- The unit that ended, and the one that follows it.
    old_unit_id                 uuid not null references unit,
    unit_id                     uuid not null references unit,
    -- None where a unit came and went between two successions, and nobody was registered for it.
    organization_id             uuid references organization,
    organization_name           text,
    effective_on                date not null,
    proposed_unit_id            uuid not null references unit,
    state                       text not null check (state in ('automatic', 'open', 'decided', 'superseded')),
    decided_by                  uuid,
    decided_by_name             text,
    decided_by_organization_id  uuid references organization,
    decided_at                  timestamptz,
    reason                      text,
    created_at                  timestamptz not null,
    updated_at                  timestamptz not null,
    check (old_unit_id <> unit_id),
    check ((organization_id is null) = (organization_name is null)),
    check (state <> 'decided' or decided_at is not null),
    check (decided_at is null or state in ('decided', 'superseded')),
    check (num_nulls(decided_by, decided_by_name, decided_at) in (0, 3))
);
-- Whatever is applied twice is applied once.
create unique index succession_case_once on succession_case
    (coalesce(task_id, agreement_id), promised_by_organization_id, old_unit_id) where state <> 'superseded';
create index succession_case_of on succession_case (agreement_id, id);
create index succession_case_worklist on succession_case (id) where state in ('open', 'decided');
create index succession_case_task on succession_case (task_id) where task_id is not null;
"""

QUEUE = """
-- What is to be carried out from a day on: one resolution, or everything that has ended by then.
create table succession_run (
    id                uuid primary key,
    effective_on      date not null,
    -- The units that ended; null: all.
    unit_ids          uuid[],
    requested_by      uuid not null,
    requested_by_name text not null,
    agreements        int not null default 0,
    done              int not null default 0,
    repointed         int not null default 0,
    tasks             int not null default 0,
    decisions         int not null default 0,
    created_at        timestamptz not null,
    started_at        timestamptz,
    finished_at       timestamptz
) with (fillfactor = 50);
create index succession_run_due on succession_run (effective_on, id) where finished_at is null;
-- The agreements that a run has still to look at; a worker holds those that it is at.
create table succession_step (
    run_id       uuid not null references succession_run,
    agreement_id uuid not null references agreement,
    primary key (run_id, agreement_id)
);
"""

SECURITY = """
grant select, insert on succession_case to {app};
-- Who promised, and what ended when, stays as it was found.
grant update (version, unit_id, organization_id, organization_name, state, decided_by, decided_by_name,
              decided_by_organization_id, decided_at, reason, updated_at) on succession_case to {app};
grant select, insert, update on succession_run to {app};
grant select, insert, delete on succession_step to {app};
-- FOR UPDATE needs the right to update one column at least; nothing ever changes it.
grant update (run_id) on succession_step to {app};

alter table succession_case enable row level security;
create policy succession_case_of_members on succession_case to {app} using (lienvung_is_system() or exists (
    select from agreement_access x
    where x.agreement_id = succession_case.agreement_id and x.organization_id = lienvung_org()));
alter table succession_run enable row level security;
create policy succession_run_of_operator on succession_run to {app}
    using (lienvung_is_system() or lienvung_is_operator());
alter table succession_step enable row level security;
create policy succession_step_of_system on succession_step to {app} using (lienvung_is_system());
"""

BACK = """
drop table succession_step, succession_run, succession_case;
alter table agreement_member
    drop constraint agreement_member_relation_check,
    add constraint agreement_member_relation_check check (relation in
        ('party', 'custodian', 'superior', 'lead', 'coordinating', 'monitor'));
alter table organization drop column by_succession;
alter table agreement
    drop constraint agreement_original_custodian_check,
    drop column original_custodian_name, drop column original_custodian_organization_id;
alter table agreement_party
    drop constraint agreement_party_responsible_check,
    drop column responsible_organization_name, drop column responsible_organization_id;
"""


def upgrade() -> None:
    for script in (RECORDS, CASES, QUEUE, SECURITY):
        run_script(op, script.format(app=APP))


def downgrade() -> None:
    # Who answers in whose place cannot be told in the older tables.
    if op.get_bind().execute(sa.text("select exists (select from succession_case)")).scalar():
        raise RuntimeError("successions were applied since: this migration cannot be taken back")
    run_script(op, BACK)
