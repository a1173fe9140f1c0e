"""The public face, open points and the provenance chain."""

from alembic import op

from shared.db.migrations import run_script

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

APP = "agreements_app"

PUBLICATION = """
create table publication (
    agreement_id   uuid primary key references agreement,
    -- Raised by every publishing and unpublishing, of the agreement or of one of its tasks.
    version        int not null check (version > 0),
    published_at   timestamptz not null,
    unpublished_at timestamptz,
    -- When what the public sees last changed: lists for the public are in this order, and poll by it.
    modified_at    timestamptz not null
);
create index publication_order on publication (modified_at, agreement_id);

create table publication_task (
    task_id      uuid primary key references task,
    agreement_id uuid not null references publication,
    published_at timestamptz not null
);
create index publication_task_of on publication_task (agreement_id, task_id);

-- Whatever changes a published record, by whichever statement, tells those who poll for it. At the commit, when the
-- transaction holds every other row that it needs: two that change tasks of one agreement cannot meet in a deadlock.
create function publication_follow_agreement() returns trigger language plpgsql
security definer set search_path from current as $$
begin
    update publication set modified_at = greatest(modified_at, new.updated_at)
    where agreement_id = new.id and unpublished_at is null;
    return null;
end $$;
create constraint trigger publication_follow after update on agreement deferrable initially deferred
    for each row when (old.version is distinct from new.version) execute function publication_follow_agreement();
create function publication_follow_task() returns trigger language plpgsql
security definer set search_path from current as $$
begin
    update publication p set modified_at = greatest(p.modified_at, new.updated_at)
    from publication_task k
    where k.task_id = new.id and p.agreement_id = k.agreement_id and p.unpublished_at is null;
    return null;
end $$;
create constraint trigger publication_follow after update on task deferrable initially deferred
    for each row when (old.version is distinct from new.version) execute function publication_follow_task();
"""

# The only windows of whoever has no token. They belong to the owner of the tables, so that no policy of a table has to
# let the public in: what is no column here cannot come out, and neither can a row that nobody has published.
WINDOWS = """
create view public_agreement with (security_barrier) as
select a.id, p.version as publication_version, p.published_at, p.modified_at, a.instrument, a.number, a.title, a.folded,
    a.status, case when a.parent is not null then jsonb_build_object(
        'instrument', a.parent->>'instrument', 'number', a.parent->>'number', 'title', a.parent->>'title',
        'issued_by', a.parent->>'issued_by') end as parent,
    (select above.agreement_id from publication above
     where above.agreement_id = a.parent_agreement_id and above.unpublished_at is null) as parent_agreement_id,
    a.fields, a.custodian_name, a.term_from, a.term_to, a.text_digest, a.signed_on, a.in_force_on, a.demonstration,
    a.source_url
from publication p join agreement a on a.id = p.agreement_id
where p.unpublished_at is null and a.in_force_on is not null and a.status <> 'draft';

create view public_party with (security_barrier) as
select y.agreement_id, y.ordinal, y.organization_name, y.role, o.unit_id, u.name as unit_name,
    -- A name stands here because it stands under the text: who was only expected to sign is nobody's business.
    case when y.signed_at is not null then y.signatory_name end as signatory_name,
    case when y.signed_at is not null then y.signatory_title end as signatory_title,
    y.signed_at
from publication p join agreement_party y on y.agreement_id = p.agreement_id
    join organization o on o.id = y.organization_id join unit u on u.id = o.unit_id
where p.unpublished_at is null;

create view public_text with (security_barrier) as
select a.id as agreement_id, p.modified_at, a.frozen_text, a.text_format, a.text_digest, a.opened_at
from publication p join agreement a on a.id = p.agreement_id
where p.unpublished_at is null and a.in_force_on is not null and a.frozen_text is not null;

create view public_task with (security_barrier) as
select t.id, k.agreement_id, p.modified_at, c.ordinal as clause_ordinal, t.title, t.deliverable, t.field, t.status,
    t.due_on, t.percent, (t.completed_at at time zone 'Asia/Ho_Chi_Minh')::date as completed_on, t.demonstration,
    jsonb_build_object('name', t.parties->'lead'->>'name', 'unit_name', t.parties->'lead'->>'unit_name') as lead,
    coalesce((select jsonb_agg(jsonb_build_object('name', one->>'name', 'unit_name', one->>'unit_name') order by nth)
        from jsonb_array_elements(t.parties->'coordinating') with ordinality as y(one, nth)), '[]') as coordinating
from publication p join publication_task k on k.agreement_id = p.agreement_id join task t on t.id = k.task_id
    left join agreement_clause c on c.id = t.clause_id
where p.unpublished_at is null;

create view public_tombstone with (security_barrier) as
select p.agreement_id as id, p.modified_at, p.unpublished_at as removed_at
from publication p where p.unpublished_at is not null;

-- What a page is made of: what is published and what is no longer, in the one order that they have. It hides no row,
-- and without a barrier the order is read from the index.
create view public_change as
select p.agreement_id as id, p.modified_at, p.unpublished_at as removed_at from publication p;
"""

OPEN_POINTS = """
create table open_point (
    id                      uuid primary key,
    version                 int not null default 1,
    agreement_id            uuid not null references agreement,
    kind                    text not null check (kind in ('shortcoming', 'recommendation')),
    text                    text not null,
    -- The evaluation that found it: how people call it, and its id where it is one of this system.
    raised_by               text not null,
    evaluation_id           uuid,
    raised_on               date not null,
    state                   text not null default 'open' check (state in ('open', 'carried', 'resolved')),
    -- The agreement that takes it up is named with its clause and its task.
    carried_to_agreement_id uuid references agreement,
    carried_to_clause_id    uuid references agreement_clause,
    carried_to_task_id      uuid references task,
    remark                  text,
    created_at              timestamptz not null,
    updated_at              timestamptz not null,
    check (state <> 'carried' or carried_to_agreement_id is not null),
    check (state <> 'open' or carried_to_agreement_id is null),
    check (carried_to_agreement_id is not null or (carried_to_clause_id is null and carried_to_task_id is null))
);
create index open_point_of on open_point (agreement_id, id);
create index open_point_carried_to on open_point (carried_to_agreement_id) where carried_to_agreement_id is not null;
-- An evaluation tells its points as often as its event comes.
create unique index open_point_of_evaluation on open_point (agreement_id, evaluation_id, md5(text))
    where evaluation_id is not null;
-- The chain is walked downwards as well.
create index agreement_parent on agreement (parent_agreement_id) where parent_agreement_id is not null;

-- Every way from an agreement to one above it, seen under the policies of whoever asks.
create view agreement_link with (security_invoker) as
select id as child_id, parent_agreement_id as parent_id, 'carries_out' as relation from agreement
where parent_agreement_id is not null
union all
select id, amends_agreement_id, case amendment_kind when 'renewal' then 'renews' else 'amends' end from agreement
where amends_agreement_id is not null;
"""

SECURITY = """
grant select, insert, update on publication to {app};
grant select, insert, delete on publication_task to {app};
grant select on agreement_link, public_agreement, public_party, public_text, public_task, public_tombstone,
    public_change to {app};
-- What an evaluation said stays as it said it.
grant select, insert on open_point to {app};
grant update (version, state, carried_to_agreement_id, carried_to_clause_id, carried_to_task_id, remark, updated_at)
    on open_point to {app};
"""

VIEWS = "public_change, public_tombstone, public_task, public_text, public_party, public_agreement"


def upgrade() -> None:
    for script in (PUBLICATION, WINDOWS, OPEN_POINTS, SECURITY):
        run_script(op, script.format(app=APP))
    for table in ("publication", "publication_task"):
        _protect(table, "select", "using", _access(table))
        _protect(table, "insert", "with check", _custody(table))
    _protect("publication", "update", "using", _custody("publication"))
    _protect("publication_task", "delete", "using", _custody("publication_task"))
    _protect("open_point", "all", "using", _access("open_point"))


def downgrade() -> None:
    op.execute("drop view agreement_link")
    op.execute("drop index agreement_parent")
    op.execute(f"drop view {VIEWS}")
    for table in ("agreement", "task"):
        op.execute(f"drop trigger publication_follow on {table}")
    op.execute("drop table open_point, publication_task, publication")
    op.execute("drop function publication_follow_agreement(), publication_follow_task()")


def _access(table: str) -> str:
    return (
        f"exists (select from agreement_access x"
        f" where x.agreement_id = {table}.agreement_id and x.organization_id = lienvung_org())"
    )


def _custody(table: str) -> str:
    return (
        f"exists (select from agreement_member m where m.agreement_id = {table}.agreement_id"
        f" and m.organization_id = lienvung_org() and m.relation = 'custodian')"
    )


def _protect(table: str, command: str, clause: str, condition: str) -> None:
    op.execute(f"alter table {table} enable row level security")
    op.execute(
        f"create policy {table}_{command} on {table} for {command} to {APP}"
        f" {clause} (lienvung_is_system() or {condition})"
    )
