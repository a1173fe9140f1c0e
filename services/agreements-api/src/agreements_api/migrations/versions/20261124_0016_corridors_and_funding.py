"""Corridors with the segments of their localities, plan periods, and the funding of tasks."""

from alembic import op

from shared.db.migrations import run_script

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

APP = "agreements_app"

# Medium-term plans of public investment are made for five years (Law on Public Investment). A further period is a row.
PERIODS = """
create table plan_period (
    id       text primary key check (id ~ '^[0-9]{4}-[0-9]{4}$'),
    first_on date not null,
    last_on  date not null unique,
    check (last_on > first_on)
);
insert into plan_period (id, first_on, last_on) values
    ('2021-2025', '2021-01-01', '2025-12-31'),
    ('2026-2030', '2026-01-01', '2030-12-31');
"""

FUNDING = """
-- The task's agreement, here as in all that lies below it without a reference of its own: checking that would lock the
-- agreement behind the task, and whoever locks the agreement first waits for the task.
create table task_funding (
    task_id                 uuid primary key references task,
    agreement_id            uuid not null,
    version                 int not null check (version > 0),
    needs_public_investment boolean not null,
    plan_period             text references plan_period,
    -- The last day of the period, beside it: lists are in its order.
    closes_on               date,
    source                  text,
    amount                  bigint check (amount > 0),
    status                  text not null check (status in ('none', 'proposed', 'in_plan', 'allocated')),
    remark                  text,
    -- Everybody has been told that this period closed without it.
    told                    boolean not null default false,
    updated_at              timestamptz not null,
    check (needs_public_investment = (plan_period is not null)),
    check (needs_public_investment = (closes_on is not null)),
    check (needs_public_investment or (status = 'none' and source is null and amount is null))
);
create index task_funding_of on task_funding (agreement_id, closes_on, task_id) where needs_public_investment;
create index task_funding_closing on task_funding (closes_on, task_id) where needs_public_investment;
create index task_funding_untold on task_funding (closes_on, task_id)
    where needs_public_investment and not told and status in ('none', 'proposed');

-- What was told once is not told again, however often the period is named anew.
create table task_funding_miss (
    task_id      uuid not null references task,
    plan_period  text not null references plan_period,
    agreement_id uuid not null,
    status       text not null,
    told_at      timestamptz not null,
    primary key (task_id, plan_period)
);
"""

CORRIDORS = """
create table corridor (
    id            uuid primary key,
    version       int not null check (version > 0),
    agreement_id  uuid not null references agreement,
    task_id       uuid references task,
    clause_ids    uuid[] not null,
    name          text not null,
    folded        text not null,
    from_place    text,
    to_place      text,
    description   text,
    demonstration boolean not null,
    created_at    timestamptz not null,
    updated_at    timestamptz not null
);
create index corridor_of on corridor (agreement_id, id);

create table corridor_segment (
    id                 uuid primary key,
    version            int not null check (version > 0),
    corridor_id        uuid not null references corridor,
    agreement_id       uuid not null,
    organization_id    uuid not null references organization,
    position           int not null check (position > 0),
    name               text not null,
    from_place         text,
    to_place           text,
    length_m           int check (length_m > 0),
    road_class         text check (road_class in ('class_i', 'class_ii', 'class_iii', 'class_iv', 'class_v', 'class_vi',
                                                  'rural_a', 'rural_b', 'rural_c', 'rural_d')),
    width_m            numeric(5, 2) check (width_m > 0),
    plan_period        text references plan_period,
    funding_source     text,
    funding_amount     bigint check (funding_amount > 0),
    funding_status     text not null check (funding_status in ('none', 'proposed', 'in_plan', 'allocated')),
    planned_start      date,
    planned_finish     date check (planned_finish >= planned_start),
    actual_start       date,
    actual_finish      date check (actual_finish >= actual_start),
    percent            smallint not null check (percent between 0 and 100),
    geometry           jsonb,
    geometry_source    text,
    -- How many positions the geometry has: what a whole corridor may have is limited.
    geometry_positions int not null check (geometry_positions >= 0),
    withdrawn_at       timestamptz,
    created_at         timestamptz not null,
    updated_at         timestamptz not null,
    check (funding_status = 'none' or plan_period is not null),
    check ((geometry is null) = (geometry_source is null)),
    check (actual_finish is null or percent = 100)
);
create unique index corridor_segment_place on corridor_segment (corridor_id, position) where withdrawn_at is null;
create index corridor_segment_owner on corridor_segment (organization_id, corridor_id) where withdrawn_at is null;

-- Every change of a corridor and of its segments, with the record as it became; a geometry only where it changed.
create table corridor_history (
    id              uuid primary key,
    corridor_id     uuid not null references corridor,
    segment_id      uuid references corridor_segment,
    subject_id      uuid not null,
    agreement_id    uuid not null,
    version         int not null,
    action          text not null,
    actor_id        uuid not null,
    actor_kind      text not null,
    actor_name      text not null,
    organization_id uuid,
    changes         jsonb not null,
    remark          text,
    state           jsonb not null,
    occurred_at     timestamptz not null,
    unique (subject_id, version),
    check (subject_id = coalesce(segment_id, corridor_id))
);
create index corridor_history_of on corridor_history (corridor_id, id);
"""

SECURITY = """
grant select on plan_period to {app};
grant select, insert, update on task_funding to {app};
grant select, insert on task_funding_miss, corridor_history to {app};
grant select, insert on corridor, corridor_segment to {app};
grant update (version, task_id, clause_ids, name, folded, from_place, to_place, description, updated_at)
    on corridor to {app};
grant update (version, organization_id, position, name, from_place, to_place, length_m, road_class, width_m,
    plan_period, funding_source, funding_amount, funding_status, planned_start, planned_finish, actual_start,
    actual_finish, percent, geometry, geometry_source, geometry_positions, withdrawn_at, updated_at)
    on corridor_segment to {app};
"""

OF_AN_AGREEMENT = ("task_funding", "corridor", "corridor_history")


def upgrade() -> None:
    for script in (PERIODS, FUNDING, CORRIDORS, SECURITY):
        run_script(op, script.replace("{app}", APP))
    for table in OF_AN_AGREEMENT:
        _protect(table, "all", "using", _access(table))
    # A segment is its owner's, and given to who comes after it.
    _protect("corridor_segment", "select", "using", _access("corridor_segment"))
    _protect("corridor_segment", "insert", "with check", _owner_or_custodian("corridor_segment"))
    _protect(
        "corridor_segment",
        "update",
        f"using (lienvung_is_system() or {_owner_or_custodian('corridor_segment')}) with check",
        _access("corridor_segment"),
    )
    # Only the product itself says that a period was missed.
    _protect("task_funding_miss", "select", "using", _access("task_funding_miss"))
    _protect("task_funding_miss", "insert", "with check", "false")


def downgrade() -> None:
    op.execute("drop table corridor_history, corridor_segment, corridor, task_funding_miss, task_funding, plan_period")


def _access(table: str) -> str:
    return (
        f"exists (select from agreement_access x"
        f" where x.agreement_id = {table}.agreement_id and x.organization_id = lienvung_org())"
    )


def _owner_or_custodian(table: str) -> str:
    return (
        f"({table}.organization_id = lienvung_org() and {_access(table)}"
        f" or exists (select from agreement_member m where m.agreement_id = {table}.agreement_id"
        f" and m.organization_id = lienvung_org() and m.relation = 'custodian'))"
    )


def _protect(table: str, command: str, clause: str, condition: str) -> None:
    op.execute(f"alter table {table} enable row level security")
    op.execute(
        f"create policy {table}_{command} on {table} for {command} to {APP}"
        f" {clause} (lienvung_is_system() or {condition})"
    )
