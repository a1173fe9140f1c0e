"""What lay beside a task at an instant: parts that come, change and go, each version of which is kept."""

from enum import StrEnum


class PartKind(StrEnum):
    MILESTONE = "milestone"
    DEPENDENCY = "dependency"


PART_WORDING: dict[PartKind, str] = {
    PartKind.MILESTONE: "mốc thực hiện",
    PartKind.DEPENDENCY: "quan hệ trước sau",
}


def keeping(kind: PartKind, source: str, *, state: str, version: str, occurred_at: str, other: str = "null") -> str:
    """The insert that keeps a version of each part `e` of a source, in the statement that makes it so.

    A part without a state was taken away.
    """
    return f"""
insert into task_part_history (part_id, version, kind, task_id, other_task_id, agreement_id, state, occurred_at)
select e.id, {version}, '{kind}', e.task_id, {other}::uuid, e.agreement_id, {state}, {occurred_at} from {source} e
"""  # noqa: S608


def parts_at(kind: PartKind, *, task: str = "task_id") -> str:
    """The parts of a task ($2) that there were at an instant ($3), for the caller ($1): `part_id` and `state`."""
    return f"""(
    select * from (
        select distinct on (h.part_id) h.part_id, h.state from task_part_history h
        where h.{task} = $2 and h.kind = '{kind}' and h.occurred_at <= $3
          and h.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)
        order by h.part_id, h.version desc) newest
    where newest.state is not null)"""  # noqa: S608
