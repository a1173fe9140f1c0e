"""Signing that holds: approvers, delegation, time limits, amendments, renewals, suspension."""

import sqlalchemy as sa
from alembic import op

from shared.db.migrations import run_script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

APP = "agreements_app"

AGREEMENTS = """
alter table agreement
    -- The last day for signatures; where it is no working day, the next working day (Civil Code 2015, article 148.5).
    add column sign_by             date,
    -- What the foundation froze is canonical JSON (RFC 8785); from now on it is a text that people read.
    add column text_format         text not null default 'jcs' check (text_format in ('jcs', 'text')),
    add column amends_agreement_id uuid references agreement,
    add column amendment_kind      text check (amendment_kind in ('amendment', 'renewal')),
    -- The term in the text that was signed; a renewal moves the one in force.
    add column original_term_from  date,
    add column original_term_to    date,
    add column ended_on            date,
    add constraint agreement_amends_check check ((amends_agreement_id is null) = (amendment_kind is null)),
    add constraint agreement_ended_check check (ended_on is null or status in ('concluded', 'terminated', 'lapsed'));
update agreement set original_term_from = term_from, original_term_to = term_to where status <> 'draft';
create index agreement_amends on agreement (amends_agreement_id, created_at, id) where amends_agreement_id is not null;
-- Two amendments that are signed at the same time could each change what the other rests on.
create unique index agreement_amendment_open on agreement (amends_agreement_id) where status = 'open_for_signature';
create index agreement_signing_ends on agreement (sign_by, id)
    where status = 'open_for_signature' and sign_by is not null;
create index agreement_term_ends on agreement (term_to, id)
    where status in ('in_force', 'suspended') and term_to is not null and amends_agreement_id is null;

create function agreement_text_frozen() returns trigger language plpgsql as $$
begin
    if old.frozen_text is not null
       and (new.frozen_text, new.text_digest, new.text_format)
           is distinct from (old.frozen_text, old.text_digest, old.text_format)
       and not (old.status = 'open_for_signature' and new.status = 'draft' and new.frozen_text is null) then
        raise exception 'the text of an agreement that is open for signature or signed cannot change';
    end if;
    return new;
end $$;
create trigger agreement_text_frozen before update on agreement
    for each row execute function agreement_text_frozen();

alter table agreement_party
    drop constraint agreement_party_role_check,
    add constraint agreement_party_role_check check (role in ('signatory', 'approver', 'witness')),
    -- The amendment by which it joined an agreement that others had signed before.
    add column amendment_id uuid references agreement;

alter table signature
    add column organization_name      text,
    add column role                   text,
    add column authority              text check (authority in
        ('own', 'on_behalf_of', 'for_superior', 'by_order', 'by_authorization')),
    add column principal_title        text,
    add column delegation_number      text,
    add column delegation_valid_until date,
    add column void_reason            text check (void_reason in ('declined', 'recalled', 'expired'));
update signature s set organization_name = coalesce(p.organization_name, o.name), role = coalesce(p.role, 'signatory')
    from signature k join organization o on o.id = k.organization_id left join agreement_party p on p.id = k.party_id
    where k.id = s.id;
-- A delegation in free words stays as it was written; in whose name it was is not known.
update signature set authority = 'own' where delegation is null;
-- The only way in which the foundation took a text back.
update signature set void_reason = 'declined' where voided_at is not null;
alter table signature
    alter column organization_name set not null,
    alter column role set not null,
    add constraint signature_void_check check ((voided_at is null) = (void_reason is null));

-- What was open for signature once and was taken back: signatures that are void now stand under it.
create table withdrawn_text (
    id           uuid primary key,
    agreement_id uuid not null references agreement,
    text_format  text not null check (text_format in ('jcs', 'text')),
    text_digest  text not null,
    content      text not null,
    opened_at    timestamptz not null,
    withdrawn_at timestamptz not null,
    reason       text not null check (reason in ('declined', 'recalled', 'expired')),
    remark       text
);
create index withdrawn_text_of on withdrawn_text (agreement_id, id);
"""

CLAUSES = """
alter table agreement_clause
    -- In an amendment: what this clause does to a clause of the agreement that is amended.
    add column operation        text check (operation in ('add', 'replace', 'repeal')),
    add column target_clause_id uuid references agreement_clause,
    -- In an agreement: the amendment that brought the clause in and from when, and the one that ended it.
    add column amendment_id     uuid references agreement,
    add column started_on       date,
    add column ended_on         date,
    add column ended_by         uuid references agreement,
    -- Checked at the end: the number is free for the new clause only once the old one has ended.
    add column replaced_by      uuid references agreement_clause deferrable initially deferred,
    add constraint agreement_clause_target_check
        check ((target_clause_id is not null) = (operation is not null and operation <> 'add')),
    add constraint agreement_clause_start_check check ((amendment_id is null) = (started_on is null)),
    add constraint agreement_clause_end_check check (
        (ended_on is null) = (ended_by is null) and (replaced_by is null or ended_on is not null)),
    drop constraint agreement_clause_agreement_id_ordinal_key;
-- A clause that replaces another bears its number.
create unique index agreement_clause_number on agreement_clause (agreement_id, ordinal) where ended_on is null;
create index agreement_clause_of on agreement_clause (agreement_id, ordinal, id);
-- A clause that a draft drops is looked for among those that name it.
create index agreement_clause_target on agreement_clause (target_clause_id) where target_clause_id is not null;
create index agreement_clause_replaced on agreement_clause (replaced_by) where replaced_by is not null;

create or replace function agreement_clause_frozen() returns trigger language plpgsql as $$
declare
    kept agreement_clause;
begin
    if not exists (select from agreement where id in (new.agreement_id, old.agreement_id) and status <> 'draft') then
        return coalesce(new, old);
    end if;
    -- An amendment in force brings clauses in and ends others, each once; what was signed stays as it was.
    if tg_op = 'INSERT' and new.ended_on is null and exists (
        select from agreement a where a.id = new.amendment_id and a.amends_agreement_id = new.agreement_id
            and a.status = 'in_force' and a.in_force_on = new.started_on) then
        return new;
    end if;
    if tg_op = 'UPDATE' and old.ended_on is null and exists (
        select from agreement a where a.id = new.ended_by and a.amends_agreement_id = new.agreement_id
            and a.status = 'in_force' and a.in_force_on = new.ended_on) then
        kept := new;
        kept.ended_on := null;
        kept.ended_by := null;
        kept.replaced_by := null;
        if kept is not distinct from old then
            return new;
        end if;
    end if;
    raise exception 'the text of an agreement that is open for signature or signed cannot change';
end $$;
"""

SECURITY = """
grant select, insert on withdrawn_text to agreements_app;
-- What was signed stays: a signature can become void, and nothing else about it changes.
revoke update on signature from agreements_app;
grant update (voided_at, void_reason) on signature to agreements_app;
alter table withdrawn_text enable row level security;
create policy withdrawn_text_of_members on withdrawn_text to agreements_app using (lienvung_is_system() or exists (
    select from agreement_access x
    where x.agreement_id = withdrawn_text.agreement_id and x.organization_id = lienvung_org()));
"""

BACK = """
drop table withdrawn_text;
grant update on signature to agreements_app;
alter table signature
    drop column void_reason, drop column delegation_valid_until, drop column delegation_number,
    drop column principal_title, drop column authority, drop column role, drop column organization_name;
drop trigger agreement_text_frozen on agreement;
drop function agreement_text_frozen();
drop index agreement_clause_of;
drop index agreement_clause_number;
create or replace function agreement_clause_frozen() returns trigger language plpgsql as $$
begin
    if exists (select from agreement where id = coalesce(new.agreement_id, old.agreement_id) and status <> 'draft') then
        raise exception 'the text of an agreement that is open for signature or signed cannot change';
    end if;
    return coalesce(new, old);
end $$;
alter table agreement_clause
    drop column replaced_by, drop column ended_by, drop column ended_on, drop column started_on,
    drop column amendment_id, drop column target_clause_id, drop column operation,
    add constraint agreement_clause_agreement_id_ordinal_key
        unique (agreement_id, ordinal) deferrable initially deferred;
alter table agreement_party
    drop column amendment_id,
    drop constraint agreement_party_role_check,
    add constraint agreement_party_role_check check (role in ('signatory', 'witness'));
drop index agreement_term_ends;
drop index agreement_signing_ends;
drop index agreement_amendment_open;
drop index agreement_amends;
alter table agreement
    drop column ended_on, drop column original_term_to, drop column original_term_from,
    drop column amendment_kind, drop column amends_agreement_id, drop column text_format, drop column sign_by;
"""

_KEEPS = """
select exists (select from agreement where amends_agreement_id is not null)
    or exists (select from agreement where text_format = 'text' and frozen_text is not null)
    or exists (select from agreement_party where role = 'approver')
"""


def upgrade() -> None:
    for script in (AGREEMENTS, CLAUSES, SECURITY):
        run_script(op, script)


def downgrade() -> None:
    # Texts that were signed in this form, amendments and approvals cannot be told in the older tables.
    if op.get_bind().execute(sa.text(_KEEPS)).scalar():
        raise RuntimeError("agreements were signed, amended or approved since: this migration cannot be taken back")
    run_script(op, BACK)
