"""Who stands to an agreement today, in SQL, for records that name an organisation of their own day.

A meeting names its host and an obstacle whoever raised it. The name stays as it was; who may act by it follows from
where that organisation's place in the agreement is by now. Arguments are columns of the statement that this becomes a
part of, so that aliases here are long: none of its own may hide them.
"""


def stands(agreement: str, organization: str) -> str:
    """Whether it is more than a reader of what it once took part in."""
    return f"""exists (select from agreement_member standing where standing.agreement_id = {agreement}
    and standing.organization_id = {organization} and standing.relation <> 'former')"""


def acts(agreement: str, organization: str) -> str:
    """Whether it can still do something with what is its own there: bodies of ended units do nothing that they read.

    Where a unit goes on, its own stays its own, even if it takes part in nothing else there.
    """
    return f"""({stands(agreement, organization)} or exists (
    select from organization owner join unit home on home.id = owner.unit_id
    where owner.id = {organization}
      and coalesce(home.valid_to, 'infinity') >= (now() at time zone 'Asia/Ho_Chi_Minh')::date))"""


def in_place_of(agreement: str, organization: str) -> str:
    """Whoever acts for an organisation in the agreement today, most often itself; null where nobody does."""
    return f"""coalesce(
    (select signed.responsible_organization_id from agreement_party signed
     where signed.agreement_id = {agreement} and signed.organization_id = {organization}),
    case when {stands(agreement, organization)} then {organization} else coalesce(
    {_by_promises(agreement, organization)},
    {_by_watching(agreement, organization)}) end)"""  # noqa: S608 - columns of statements


def in_task(agreement: str, task: str, parties: str, organization: str) -> str:
    """Whoever has the place of a party of a task today; null where nobody does.

    The parties of a task that is over stay as they were: who stands to it in their place is told by relations alone. An
    old body that somebody has given something else in the agreement has not come back to this by that.
    """
    taking = f"""from agreement_member taking where taking.agreement_id = {agreement} and taking.source_id = {task}
      and taking.relation in ('lead', 'coordinating', 'monitor')"""
    here = f"watching.source_id = {task} and watching.relation in ('lead', 'coordinating', 'monitor')"
    return f"""coalesce(
    (select taking.organization_id {taking} and taking.organization_id = {organization} limit 1),
    (select heir.id from (values (1, {in_place_of(agreement, organization)}),
        (2, {_by_promises(agreement, organization)}), (3, {_by_likeness(organization, here)})) heir(rank, id)
     where exists (select {taking} and taking.organization_id = heir.id) order by heir.rank limit 1),
    (select case when count(distinct taking.organization_id) = 1 then (array_agg(taking.organization_id))[1] end
     {taking} and {organization}::text = any(select party->>'organization_id'
        from jsonb_array_elements(case taking.relation when 'lead' then jsonb_build_array({parties}->'lead')
            else {parties}->case taking.relation when 'monitor' then 'monitoring' else 'coordinating' end end) party)
       and not exists (select from jsonb_path_query({parties}, '$.*.organization_id') present
        where present = to_jsonb(taking.organization_id))))"""  # noqa: S608 - columns of statements


def in_place_at(agreement: str, task: str, parties: str, organization: str) -> str:
    """Whoever acts at a task today for an organisation that did something there, with a place in it or without one."""
    return f"""coalesce({in_task(agreement, task, parties, organization)},
    (select {in_task(agreement, task, parties, "(named.party->>'organization_id')::uuid")}
     from jsonb_path_query({parties}, '$.*[*]') named(party)
     where named.party->>'promised_by_organization_id' = {organization}::text limit 1),
    {in_place_of(agreement, organization)})"""  # noqa: S608 - columns of statements


def _by_promises(agreement: str, organization: str) -> str:
    """Whoever has by now what it promised, or what had come to it, if only until somebody decided otherwise."""
    return f"""(select place.organization_id from succession_case place
    where place.agreement_id = {agreement} and place.task_id is null and place.state <> 'superseded'
      and (place.promised_by_organization_id = {organization} or place.promised_by_organization_id in (
        select came.promised_by_organization_id from succession_case came
        where came.agreement_id = {agreement} and came.task_id is null and came.organization_id = {organization}
        union all
        select (earlier.state->>'promised_by_organization_id')::uuid from succession_case_past earlier
        where earlier.agreement_id = {agreement} and earlier.state->>'task_id' is null
          and earlier.state->>'organization_id' = {organization}::text))
      and not exists (
        select from succession_case onward
        where onward.agreement_id = place.agreement_id and onward.task_id is null and onward.state <> 'superseded'
          and onward.promised_by_organization_id = place.promised_by_organization_id
          and onward.old_unit_id = place.unit_id)
      and {stands(agreement, "place.organization_id")}
    order by place.promised_by_organization_id = {organization} desc, place.id limit 1)"""  # noqa: S608


def _by_watching(agreement: str, organization: str) -> str:
    """Of a body above, which promised nothing, so that no place of it is recorded."""
    return _by_likeness(organization, f"watching.agreement_id = {agreement} and watching.relation = 'superior'")


def _by_likeness(organization: str, standing: str) -> str:
    """Of those who stand somewhere, the one that does for what followed the unit what this one did for it."""
    return f"""(with recursive way (unit_id) as (
        select gone.unit_id from organization gone join unit ended on ended.id = gone.unit_id
        where gone.id = {organization} and ended.valid_to is not null
        union
        select edge.new_unit_id from way join unit_succession edge on edge.old_unit_id = way.unit_id
        where edge.is_default
    )
    select case when count(*) = 1 then (array_agg(one.id))[1] end
    from (
        select distinct alike.id from organization gone
        join organization alike on alike.kind = gone.kind and alike.id <> gone.id
        join agreement_member watching on watching.organization_id = alike.id
        where gone.id = {organization} and {standing}
          and (alike.unit_id in (select way.unit_id from way) or exists (
            select from unit_succession edge join way on way.unit_id = edge.new_unit_id
            where edge.old_unit_id = alike.unit_id and not edge.partial))) one)"""  # noqa: S608
