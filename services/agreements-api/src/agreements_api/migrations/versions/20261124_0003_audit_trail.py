"""The audit trail: whole states for reading as of an instant, a chain of digests, corrections of reports."""

import sqlalchemy as sa
from alembic import op

from shared.db.migrations import run_script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

APP = "agreements_app"

COLUMNS = """
alter table history
    -- The record after the change, as the API showed it, without what depends on the reader or on the day.
    add column state           jsonb,
    -- The state was worked out later from what had been told of the changes, and not kept when they happened.
    add column reconstructed   boolean not null default false,
    add column previous_digest bytea,
    add column digest          bytea;
-- What changed under an agreement between two instants.
create index history_of_agreement on history (agreement_id, occurred_at, subject_id, version);

alter table task_progress_report add column corrects_report_id uuid references task_progress_report;
-- A report is corrected once; whoever errs again corrects the correction.
create unique index task_progress_report_corrected on task_progress_report (corrects_report_id)
    where corrects_report_id is not null;
"""

# SHA-256 of the digest before it and of the row as canonical JSON: jsonb orders keys and writes values in one way only.
# Written without anything that a session could set (time zone, search path); bound to what it names when it is created.
DIGEST = """
create function history_digest(h history) returns bytea language sql stable parallel safe
return sha256(coalesce(h.previous_digest, ''::bytea) || convert_to(jsonb_build_object(
    'id', h.id, 'subject_id', h.subject_id, 'agreement_id', h.agreement_id, 'subject_kind', h.subject_kind,
    'version', h.version, 'action', h.action, 'actor_id', h.actor_id, 'actor_kind', h.actor_kind,
    'actor_name', h.actor_name, 'organization_id', h.organization_id, 'changes', h.changes, 'remark', h.remark,
    'occurred_at', to_char(h.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'reconstructed', h.reconstructed, 'state', h.state)::text, 'UTF8'));
"""

# Every state from the present one backwards: what history says that a change changed is undone. What has its own rows
# with their own times (signatures, reports, confirmations) is taken from these. What the foundation did not tell
# (parties and clauses that a draft had before, the names that were expected to sign) is what the record has now, or
# null.
STATES = """
do $$
declare
    entry   history;
    change  jsonb;
    present jsonb;
    undone  jsonb;
    opening int;
begin
    for entry in select * from history where subject_kind = 'agreement' order by subject_id, version desc loop
        if present is null or present->>'id' <> entry.subject_id::text then
            select jsonb_build_object(
                'id', a.id, 'version', a.version, 'instrument', a.instrument, 'number', a.number, 'title', a.title,
                'status', a.status, 'parent', a.parent, 'parent_agreement_id', a.parent_agreement_id,
                'fields', a.fields, 'custodian_organization_id', a.custodian_organization_id,
                'custodian_name', a.custodian_name, 'signing_order', a.signing_order, 'term_from', a.term_from,
                'term_to', a.term_to, 'text_digest', a.text_digest, 'opened_at', a.opened_at,
                'signed_on', a.signed_on, 'in_force_on', a.in_force_on, 'demonstration', a.demonstration,
                'source_url', a.source_url, 'note', a.note,
                'parties', coalesce((select jsonb_agg(jsonb_build_object(
                    'id', p.id, 'organization_id', p.organization_id, 'organization_name', p.organization_name,
                    'role', p.role, 'required', p.required, 'signatory_name', p.signatory_name,
                    'signatory_title', p.signatory_title, 'signed_at', p.signed_at) order by p.ordinal)
                    from agreement_party p where p.agreement_id = a.id), '[]'),
                'clause_count', (select count(*) from agreement_clause c where c.agreement_id = a.id),
                'clauses', coalesce((select jsonb_agg(jsonb_build_object(
                    'id', c.id, 'ordinal', c.ordinal, 'heading', c.heading, 'text', c.text, 'field', c.field)
                    order by c.ordinal, c.id) from agreement_clause c where c.agreement_id = a.id), '[]'),
                'signatures', coalesce((select jsonb_agg(jsonb_build_object(
                    'id', s.id, 'organization_id', s.organization_id, 'signatory_name', s.signatory_name,
                    'signatory_title', s.signatory_title, 'delegation', s.delegation,
                    'text_digest', s.text_digest, 'signed_at', s.signed_at, 'voided_at', s.voided_at)
                    order by s.id) from signature s where s.agreement_id = a.id), '[]'),
                'created_at', a.created_at, 'updated_at', a.updated_at)
            into present from agreement a where a.id = entry.subject_id;
            if present is null then
                raise exception 'history tells of the agreement %, which does not exist', entry.subject_id;
            end if;
            select max(version) into opening from history where subject_id = entry.subject_id and action = 'open';
            undone := present;
        end if;
        update history set reconstructed = true, state = case
            when entry.version = (present->>'version')::int then present
            else undone || jsonb_build_object(
                'version', entry.version, 'updated_at', entry.occurred_at,
                -- Signed and in force are one moment in what the foundation knew.
                'signed_on', case when undone->>'in_force_on' is not null then present->'signed_on' end,
                'opened_at', case when undone->>'status' = 'draft' then 'null'
                    when entry.version >= opening and present->>'opened_at' is not null then present->'opened_at'
                    else (select to_jsonb(max(o.occurred_at)) from history o where o.subject_id = entry.subject_id
                          and o.action = 'open' and o.version <= entry.version) end,
                'parties', (select coalesce(jsonb_agg(y.party || case
                        when s.signed_at is not null then jsonb_build_object('signed_at', s.signed_at,
                            'signatory_name', s.signatory_name, 'signatory_title', s.signatory_title)
                        when y.party->>'signed_at' is not null then jsonb_build_object('signed_at', null,
                            'signatory_name', null, 'signatory_title', null)
                        else '{}' end order by y.nth), '[]')
                    from jsonb_array_elements(undone->'parties') with ordinality y(party, nth)
                    left join lateral (
                        select g.* from signature g where g.agreement_id = entry.subject_id
                          and g.organization_id = (y.party->>'organization_id')::uuid
                          and g.signed_at <= entry.occurred_at
                          and (g.voided_at is null or g.voided_at > entry.occurred_at)
                        order by g.signed_at desc limit 1) s on true),
                'signatures', (select coalesce(jsonb_agg(case
                        when (y.signature->>'voided_at')::timestamptz > entry.occurred_at
                        then y.signature || '{"voided_at": null}' else y.signature end order by y.nth), '[]')
                    from jsonb_array_elements(undone->'signatures') with ordinality y(signature, nth)
                    where (y.signature->>'signed_at')::timestamptz <= entry.occurred_at)) end
        where id = entry.id;
        for change in select * from jsonb_array_elements(entry.changes) loop
            if change->>'field' in ('instrument', 'number', 'title', 'status', 'parent', 'fields', 'signing_order',
                    'term_from', 'term_to', 'text_digest', 'in_force_on', 'demonstration', 'source_url', 'note') then
                undone := undone || jsonb_build_object(change->>'field', coalesce(change->'from', 'null'));
            end if;
        end loop;
    end loop;
end $$;

do $$
declare
    entry   history;
    change  jsonb;
    present jsonb;
    undone  jsonb;
    role    text;
begin
    for entry in select * from history where subject_kind = 'task' order by subject_id, version desc loop
        if present is null or present->>'id' <> entry.subject_id::text then
            select jsonb_build_object(
                'id', t.id, 'version', t.version, 'agreement_id', t.agreement_id, 'agreement_title', a.title,
                'agreement_number', a.number, 'clause_id', t.clause_id, 'title', t.title,
                'description', t.description, 'deliverable', t.deliverable, 'field', t.field, 'status', t.status,
                'due_on', t.due_on, 'original_due_on', t.original_due_on, 'percent', t.percent,
                'submitted_at', t.submitted_at, 'completed_at', t.completed_at, 'demonstration', t.demonstration,
                'note', t.note, 'lead', t.parties->'lead', 'coordinating', t.parties->'coordinating',
                'monitoring', t.parties->'monitoring', 'last_report', t.last_report,
                'created_at', t.created_at, 'updated_at', t.updated_at)
            into present from task t join agreement a on a.id = t.agreement_id where t.id = entry.subject_id;
            if present is null then
                raise exception 'history tells of the task %, which does not exist', entry.subject_id;
            end if;
            undone := present;
        end if;
        update history set reconstructed = true, state = case
            when entry.version = (present->>'version')::int then present
            else undone || jsonb_build_object(
                'version', entry.version, 'updated_at', entry.occurred_at,
                -- The first deadline that was set, once there was one.
                'original_due_on', case when undone->>'due_on' is not null or exists (
                        select from history d, jsonb_array_elements(d.changes) y
                        where d.subject_id = entry.subject_id and d.version <= entry.version
                          and y->>'field' = 'due_on')
                    then present->'original_due_on' end,
                'last_report', (
                    select jsonb_build_object('period_start', r.period_start, 'period_end', r.period_end,
                        'percent', r.percent, 'narrative', r.narrative, 'difficulties', r.difficulties,
                        'reported_at', r.reported_at)
                    from task_progress_report r
                    where r.task_id = entry.subject_id and r.reported_at <= entry.occurred_at
                    order by r.reported_at desc, r.id desc limit 1),
                -- Confirmed, and not sent back since.
                'coordinating', (select coalesce(jsonb_agg(y.party || jsonb_build_object('confirmed_at', (
                        select c.decided_at from task_confirmation c
                        where c.task_id = entry.subject_id and c.decision = 'confirmed'
                          and c.organization_id = (y.party->>'organization_id')::uuid
                          and c.decided_at <= entry.occurred_at
                          and not exists (
                            select from task_confirmation r where r.task_id = c.task_id and r.decision = 'returned'
                              and r.decided_at > c.decided_at and r.decided_at <= entry.occurred_at)
                        order by c.decided_at desc limit 1)) order by y.nth), '[]')
                    from jsonb_array_elements(undone->'coordinating') with ordinality y(party, nth))) end
        where id = entry.id;
        for change in select * from jsonb_array_elements(entry.changes) loop
            if change->>'field' in ('title', 'description', 'deliverable', 'field', 'status', 'due_on', 'percent',
                                    'submitted_at', 'completed_at', 'note') then
                undone := undone || jsonb_build_object(change->>'field', coalesce(change->'from', 'null'));
            elsif change->>'field' like 'due_on/%' then
                foreach role in array array['coordinating', 'monitoring'] loop
                    undone := undone || jsonb_build_object(role, (
                        select coalesce(jsonb_agg(case
                            when y.party->>'organization_id' = split_part(change->>'field', '/', 2)
                            then y.party || jsonb_build_object('due_on', coalesce(change->'from', 'null'))
                            else y.party end order by y.nth), '[]')
                        from jsonb_array_elements(undone->role) with ordinality y(party, nth)));
                end loop;
            end if;
        end loop;
    end loop;
end $$;
"""

CHAIN = """
do $$
declare
    entry    history;
    subject  uuid;
    previous bytea;
begin
    for entry in select * from history order by subject_id, version loop
        if subject is distinct from entry.subject_id then
            subject := entry.subject_id;
            previous := null;
        end if;
        entry.previous_digest := previous;
        previous := history_digest(entry);
        update history set previous_digest = entry.previous_digest, digest = previous where id = entry.id;
    end loop;
end $$;

alter table history
    alter column state set not null,
    alter column digest set not null,
    -- The trigger finds no predecessor where a version was left out. Not asked of what was there before.
    add constraint history_chain_unbroken check ((version = 1) = (previous_digest is null)) not valid;

-- Reads what it needs whoever writes, and lets nobody write a digest. The search path names pg_temp last: otherwise a
-- temporary table of whoever writes would come before every other.
create function history_chain() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    new.previous_digest := (
        select h.digest from public.history h where h.subject_id = new.subject_id and h.version = new.version - 1);
    new.digest := public.history_digest(new);
    return new;
end $$;
create trigger history_chain before insert on history for each row execute function history_chain();

create function history_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'history is append-only';
end $$;
create trigger history_append_only before update or delete or truncate on history
    for each statement execute function history_append_only();

revoke all on function history_chain(), history_append_only(), history_digest(history) from public;
grant execute on function history_digest(history) to agreements_app;
"""

BACK = """
drop trigger history_append_only on history;
drop trigger history_chain on history;
drop function history_append_only();
drop function history_chain();
drop function history_digest(history);
drop index history_of_agreement;
alter table history
    drop constraint history_chain_unbroken,
    drop column digest, drop column previous_digest, drop column reconstructed, drop column state;
drop index task_progress_report_corrected;
alter table task_progress_report drop column corrects_report_id;
"""


def upgrade() -> None:
    # The times in the states are those of the API, whatever zone the server stands in.
    op.execute("set local timezone to 'UTC'")
    for script in (COLUMNS, DIGEST, STATES, CHAIN):
        run_script(op, script)


def downgrade() -> None:
    # States can be worked out again, as for the foundation; that a report corrects another cannot.
    corrected = "select exists (select from task_progress_report where corrects_report_id is not null)"
    if op.get_bind().execute(sa.text(corrected)).scalar():
        raise RuntimeError("reports were corrected since: this migration cannot be taken back")
    run_script(op, BACK)
