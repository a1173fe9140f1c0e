"""Meetings with what was promised of them, and dossiers of cross-cultivated and cross-inhabited areas."""

from alembic import op

from shared.db.migrations import run_script

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

APP = "agreements_app"

MEETINGS = """
create table meeting (
    id                   uuid primary key,
    version              int not null default 1,
    agreement_id         uuid not null references agreement,
    kind                 text not null check (kind in ('regular', 'extraordinary')),
    title                text not null,
    status               text not null default 'planned' check (status in ('planned', 'held', 'cancelled')),
    host_organization_id uuid not null references organization,
    -- The name it invited under, whatever becomes of it.
    host_name            text not null,
    place                text,
    online_url           text,
    starts_at            timestamptz not null,
    ends_at              timestamptz,
    -- The day in Vietnam: official periods consist of days.
    held_on              date,
    cancel_reason        text,
    -- Items in their order, always replaced together.
    agenda               jsonb not null,
    created_at           timestamptz not null,
    updated_at           timestamptz not null,
    check (ends_at >= starts_at),
    check ((status = 'held') = (held_on is not null)),
    check ((status = 'cancelled') = (cancel_reason is not null))
);
create index meeting_time on meeting (starts_at, id);
create index meeting_of on meeting (agreement_id, starts_at, id);

create table meeting_participant (
    meeting_id        uuid not null references meeting,
    organization_id   uuid not null references organization,
    organization_name text not null,
    unit_id           uuid not null references unit,
    invited           boolean not null,
    attendance        text check (attendance in ('attended', 'absent', 'represented')),
    -- Who came for it, in office.
    person_name       text,
    person_title      text,
    primary key (meeting_id, organization_id),
    check (invited or attendance is not null)
);
create index meeting_participant_of on meeting_participant (organization_id, meeting_id);

create table meeting_minutes (
    id              uuid primary key,
    meeting_id      uuid not null references meeting,
    revision        int not null check (revision > 0),
    text            text not null,
    account_id      uuid not null,
    organization_id uuid,
    written_by      text not null,
    written_at      timestamptz not null,
    unique (meeting_id, revision)
);

create table meeting_outcome (
    id                          uuid primary key,
    meeting_id                  uuid not null references meeting,
    ordinal                     int not null check (ordinal > 0),
    text                        text not null,
    responsible_organization_id uuid references organization,
    responsible_name            text,
    due_on                      date,
    -- What it became. One task comes from one outcome, however often it is assigned.
    task_id                     uuid unique references task,
    check ((responsible_organization_id is null) = (responsible_name is null)),
    unique (meeting_id, ordinal)
);

create table meeting_promise (
    id           uuid primary key,
    version      int not null default 1,
    agreement_id uuid not null references agreement,
    clause_id    uuid references agreement_clause,
    frequency    text not null check (frequency in ('monthly', 'quarterly', 'half_yearly', 'yearly')),
    from_on      date not null,
    until_on     date,
    basis        text,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    check (until_on >= from_on)
);
create index meeting_promise_of on meeting_promise (agreement_id, id);

create table meeting_log (
    id              uuid primary key,
    agreement_id    uuid not null references agreement,
    subject_kind    text not null check (subject_kind in ('meeting', 'promise')),
    subject_id      uuid not null,
    version         int not null,
    action          text not null,
    actor_id        uuid not null,
    actor_kind      text not null,
    actor_name      text not null,
    organization_id uuid,
    changes         jsonb not null,
    remark          text,
    occurred_at     timestamptz not null,
    unique (subject_id, version)
);
"""

# Households and plots are counted and never named: there is no column that a person could stand in, but for whoever
# confirmed in office.
BOUNDARY_CASES = """
create table boundary_case (
    id                     uuid primary key,
    version                int not null default 1,
    agreement_id           uuid not null references agreement,
    task_id                uuid not null references task,
    kind                   text not null check (kind in ('cross_cultivated', 'cross_inhabited', 'both')),
    place                  text,
    first_organization_id  uuid not null references organization,
    -- Whose promise it is in the task: whoever takes that party's place answers for this side.
    first_promiser_id      uuid not null references organization,
    first_name             text not null,
    first_unit_id          uuid not null references unit,
    first_unit_name        text not null,
    second_organization_id uuid not null references organization,
    second_promiser_id     uuid not null references organization,
    second_name            text not null,
    second_unit_id         uuid not null references unit,
    second_unit_name       text not null,
    households             int check (households >= 0),
    plots                  int check (plots >= 0),
    area_m2                bigint check (area_m2 >= 0),
    note                   text,
    state                  text not null default 'open' check (state in ('open', 'handed_over', 'closed')),
    handed_over_on         date,
    closed_on              date,
    close_remark           text,
    created_at             timestamptz not null,
    updated_at             timestamptz not null,
    check (first_unit_id <> second_unit_id),
    check ((state = 'open') = (handed_over_on is null)),
    check ((state = 'closed') = (closed_on is not null))
);
create index boundary_case_of on boundary_case (task_id, id);
create index boundary_case_of_agreement on boundary_case (agreement_id, id);

create table boundary_case_step (
    id                  uuid primary key,
    case_id             uuid not null references boundary_case,
    ordinal             int not null check (ordinal > 0),
    title               text not null,
    due_on              date,
    first_confirmed_at  timestamptz,
    first_confirmed_by  text,
    first_account_id    uuid,
    first_remark        text,
    second_confirmed_at timestamptz,
    second_confirmed_by text,
    second_account_id   uuid,
    second_remark       text,
    completed_at        timestamptz,
    check (num_nonnulls(first_confirmed_at, first_confirmed_by, first_account_id) in (0, 3)),
    check (num_nonnulls(second_confirmed_at, second_confirmed_by, second_account_id) in (0, 3)),
    check ((completed_at is not null) = (first_confirmed_at is not null and second_confirmed_at is not null)),
    unique (case_id, ordinal)
);

create table boundary_case_log (
    id              uuid primary key,
    case_id         uuid not null references boundary_case,
    agreement_id    uuid not null references agreement,
    version         int not null,
    action          text not null,
    actor_id        uuid not null,
    actor_kind      text not null,
    actor_name      text not null,
    organization_id uuid,
    changes         jsonb not null,
    remark          text,
    occurred_at     timestamptz not null,
    unique (case_id, version)
);
"""

SECURITY = """
grant select, insert on meeting, meeting_participant, meeting_minutes, meeting_outcome, meeting_promise, meeting_log,
    boundary_case, boundary_case_step, boundary_case_log to {app};
grant update (version, kind, title, status, host_organization_id, host_name, place, online_url, starts_at, ends_at,
    held_on, cancel_reason, agenda, updated_at) on meeting to {app};
grant update (invited, attendance, person_name, person_title), delete on meeting_participant to {app};
grant update (text, responsible_organization_id, responsible_name, due_on, task_id) on meeting_outcome to {app};
grant update (version, frequency, from_on, until_on, basis, updated_at) on meeting_promise to {app};
grant update (version, kind, place, households, plots, area_m2, note, state, handed_over_on, closed_on, close_remark,
    updated_at) on boundary_case to {app};
grant update (first_confirmed_at, first_confirmed_by, first_account_id, first_remark, second_confirmed_at,
    second_confirmed_by, second_account_id, second_remark, completed_at), delete on boundary_case_step to {app};
"""

OF_AN_AGREEMENT = ("meeting", "meeting_promise", "meeting_log", "boundary_case", "boundary_case_log")
# A subquery is under the policy of the table that it asks.
OF_ANOTHER = {
    "meeting_participant": "exists (select from meeting m where m.id = meeting_id)",
    "meeting_minutes": "exists (select from meeting m where m.id = meeting_id)",
    "meeting_outcome": "exists (select from meeting m where m.id = meeting_id)",
    "boundary_case_step": "exists (select from boundary_case b where b.id = case_id)",
}


def upgrade() -> None:
    for script in (MEETINGS, BOUNDARY_CASES, SECURITY):
        run_script(op, script.format(app=APP))
    for table in OF_AN_AGREEMENT:
        _protect(
            table,
            f"exists (select from agreement_access x"
            f" where x.agreement_id = {table}.agreement_id and x.organization_id = lienvung_org())",
        )
    for table, condition in OF_ANOTHER.items():
        _protect(table, condition)
    # What a side has confirmed stays, whoever replaces the steps.
    op.execute(
        f"create policy boundary_case_step_delete on boundary_case_step as restrictive for delete to {APP}"
        " using (first_confirmed_at is null and second_confirmed_at is null)"
    )


def downgrade() -> None:
    op.execute("drop table boundary_case_log, boundary_case_step, boundary_case")
    op.execute(
        "drop table meeting_log, meeting_promise, meeting_outcome, meeting_minutes, meeting_participant, meeting"
    )


def _protect(table: str, condition: str) -> None:
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"create policy {table}_of_members on {table} to {APP} using (lienvung_is_system() or {condition})")
