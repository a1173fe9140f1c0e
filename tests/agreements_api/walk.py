"""Which action each call of the service needs, and of which record the caller's relations count."""

from dataclasses import dataclass
from enum import StrEnum


class Subject(StrEnum):
    """The record whose relations to the caller decide."""

    # Nobody's: the action is allowed to a role wherever it stands.
    NOBODYS = "nobody's"
    AGREEMENT = "agreement"
    TASK = "task"
    OPEN_POINT = "open point"
    MEETING = "meeting"
    BOUNDARY_CASE = "boundary case"
    DOCUMENT = "document"
    # A part of a corridor, with the organisation that owns it.
    SEGMENT = "segment"
    # Of the task: who raised it, who was asked and who wrote it stands to it in one way more.
    OBSTACLE = "obstacle"
    URGING = "urging"
    COMMENT = "comment"
    # What is to be decided of who answers in an agreement.
    SUCCESSION_CASE = "succession case"
    # An organisation with its focal points, its people and its clients.
    ORGANIZATION = "organisation"
    # The caller's own account.
    SELF = "self"


@dataclass(frozen=True)
class Step:
    """What a call asks of the table."""

    action: str
    subject: Subject


def _all(subject: Subject, **actions: str) -> dict[str, Step]:
    return {operation: Step(action, subject) for operation, action in actions.items()}


WALK: dict[str, Step] = {
    **_all(
        Subject.TASK,
        read_task="task.read",
        update_task="task.update",
        accept_task="task.accept",
        report_progress="task.report",
        list_progress_reports="task.read",
        submit_task="task.submit",
        confirm_task="task.confirm",
        return_task="task.return",
        complete_task="task.complete",
        cancel_task="task.cancel",
        refuse_task="task.refuse",
        raise_obstacle="obstacle.raise",
        urge_task="urging.ask",
        list_task_urgings="urging.read",
        request_explanation="explanation.ask",
        list_explanations="urging.read",
        list_comments="comment.read",
        add_comment="comment.add",
        list_task_people="comment.add",
        list_confirmations="task.read",
        draft_progress_report="task.read",
        suspend_task="task.suspend",
        resume_task="task.resume",
        reopen_task="task.reopen",
        reassign_task="task.reassign",
        list_extensions="task.read",
        request_extension="task.extend",
        read_extension="task.read",
        grant_extension="extension.grant",
        deny_extension="extension.deny",
        withdraw_extension="extension.withdraw",
        list_milestones="task.read",
        add_milestone="task.set_milestones",
        read_milestone="task.read",
        update_milestone="task.set_milestones",
        remove_milestone="task.set_milestones",
        list_dependencies="task.read",
        read_dependency_impact="task.read",
        add_dependency="task.set_dependencies",
        remove_dependency="task.set_dependencies",
        read_recurrence="task.read",
        set_recurrence="task.set_recurrence",
        end_recurrence="task.set_recurrence",
        list_task_history="task.read",
        compare_task="task.read",
        list_task_assignees="assignment.read",
        list_task_assignment_log="assignment.read",
        replace_task_assignees="task.assign_people",
        list_evidence="document.read",
        add_evidence="evidence.add",
        publish_task="publication.publish",
        unpublish_task="publication.unpublish",
        list_task_boundary_cases="boundary_case.read",
        open_boundary_case="boundary_case.open",
        read_task_funding="funding.read",
        replace_task_funding="funding.update",
    ),
    **_all(
        Subject.AGREEMENT,
        assign_task="agreement.assign_task",
        read_agreement="agreement.read",
        update_agreement="agreement.update",
        delete_agreement="agreement.delete",
        open_agreement="agreement.open",
        sign_agreement="agreement.sign",
        decline_agreement="agreement.decline",
        recall_agreement="agreement.recall",
        amend_agreement="agreement.amend",
        renew_agreement="agreement.renew",
        suspend_agreement="agreement.suspend",
        resume_agreement="agreement.resume",
        conclude_agreement="agreement.conclude",
        terminate_agreement="agreement.terminate",
        create_corridor="corridor.create",
        read_corridor="corridor.read",
        update_corridor="corridor.update",
        list_segments="corridor.read",
        add_segment="segment.create",
        read_corridor_geojson="corridor.read",
        read_synchrony="corridor.read",
        list_corridor_history="corridor.read",
        list_responsible="succession.read",
        list_agreement_successions="succession.read",
        list_clauses="agreement.read",
        list_parties="agreement.read",
        list_signatures="agreement.read",
        read_agreement_text="agreement.read",
        list_agreement_texts="agreement.read",
        read_agreement_text_by_digest="agreement.read",
        verify_agreement_text="agreement.read",
        list_agreement_history="agreement.read",
        verify_agreement_history="agreement.read",
        compare_agreement="agreement.read",
        list_agreement_assignees="assignment.read",
        list_agreement_assignment_log="assignment.read",
        replace_agreement_assignees="agreement.assign_people",
        read_provenance="provenance.read",
        list_documents="document.read",
        upload_document="document.add",
        list_open_points="open_point.read",
        raise_open_point="open_point.raise",
        read_publication="publication.read",
        publish_agreement="publication.publish",
        unpublish_agreement="publication.unpublish",
        plan_meeting="meeting.plan",
        read_meeting_rhythm="meeting_promise.read",
        list_meeting_promises="meeting_promise.read",
        read_meeting_promise="meeting_promise.read",
        list_meeting_promise_history="meeting_promise.read",
        record_meeting_promise="meeting_promise.record",
        update_meeting_promise="meeting_promise.record",
    ),
    **_all(
        Subject.MEETING,
        read_meeting="meeting.read",
        list_minutes="meeting.read",
        list_meeting_history="meeting.read",
        update_meeting="meeting.update",
        hold_meeting="meeting.hold",
        cancel_meeting="meeting.cancel",
        record_attendance="meeting.record",
        write_minutes="meeting.record",
        record_outcome="meeting.record",
        update_outcome="meeting.record",
        assign_outcome="agreement.assign_task",
    ),
    **_all(
        Subject.BOUNDARY_CASE,
        read_boundary_case="boundary_case.read",
        list_boundary_case_history="boundary_case.read",
        update_boundary_case="boundary_case.update",
        confirm_boundary_step="boundary_case.confirm",
        take_back_boundary_step="boundary_case.take_back",
        close_boundary_case="boundary_case.close",
    ),
    **_all(
        Subject.SEGMENT,
        read_segment="corridor.read",
        update_segment="segment.update",
        hand_over_segment="segment.hand_over",
        withdraw_segment="segment.withdraw",
    ),
    **_all(
        Subject.OBSTACLE,
        read_obstacle="obstacle.read",
        update_obstacle="obstacle.update",
        escalate_obstacle="obstacle.escalate",
        resolve_obstacle="obstacle.resolve",
        reopen_obstacle="obstacle.reopen",
        plan_measure="obstacle.measure",
        update_measure="obstacle.measure",
        list_obstacle_history="obstacle.read",
    ),
    **_all(
        Subject.URGING,
        read_urging="urging.read",
        answer_urging="urging.answer",
        read_explanation="urging.read",
        give_explanation="explanation.answer",
    ),
    **_all(
        Subject.COMMENT,
        read_comment="comment.read",
        update_comment="comment.update",
        delete_comment="comment.delete",
        list_comment_versions="comment.read_versions",
    ),
    **_all(
        Subject.OPEN_POINT,
        read_open_point="open_point.read",
        carry_open_point="open_point.carry",
        resolve_open_point="open_point.resolve",
    ),
    **_all(
        Subject.DOCUMENT,
        read_document="document.read",
        link_document="document.read",
        remove_document="document.remove",
    ),
    **_all(
        Subject.SUCCESSION_CASE,
        read_succession_case="succession.read",
        decide_succession="succession.decide",
    ),
    **_all(
        Subject.NOBODYS,
        draft_agreement="agreement.draft",
        list_plan_periods="plan_period.read",
        add_plan_period="plan_period.add",
        list_units="unit.read",
        read_unit="unit.read",
        list_successors="unit.read",
        list_predecessors="unit.read",
        list_children="unit.read",
        record_succession="succession.record",
        apply_successions="succession.apply",
        read_succession_run="succession.apply",
        list_organizations="organization.read",
        create_organization="organization.create",
        read_organization="organization.read",
        list_contacts="organization.read",
        read_contact="organization.read",
        create_import="import.create",
        read_import_template="import_template.read",
        change_tasks="task.bulk",
    ),
    **_all(
        Subject.ORGANIZATION,
        update_organization="organization.update",
        list_organization_history="organization.read_history",
        create_contact="contact.update",
        update_contact="contact.update",
        delete_contact="contact.update",
        create_user="user.create",
        read_user="user.read",
        update_user="user.update",
        invite_user="user.invite",
        list_user_history="user.read_history",
        list_open_work="work.read",
        hand_over_work="work.hand_over",
        create_client="client.create",
        read_client="client.read",
        update_client="client.update",
        rotate_client_secret="client.rotate",
        list_client_history="client.read_history",
        read_import="import.read",
        stream_import_progress="import.read",
        list_import_errors="import.read",
        read_import_errors_as_csv="import.read",
        commit_import="import.commit",
        cancel_import="import.cancel",
    ),
    **_all(Subject.SELF, read_me="me.read", update_me="me.update"),
}

# The one call that attaches a file asks by what it is attached to.
ATTACHING: dict[str, Step] = {
    "task_id": Step("evidence.add", Subject.TASK),
    "meeting_id": Step("meeting.add_document", Subject.MEETING),
    "obstacle_id": Step("obstacle.add_evidence", Subject.OBSTACLE),
}

# Lists of what the caller may see anyway: nobody is refused, and what is in them is the matter of other tests.
OWN_LISTS = {
    "list_tasks": "task.read",
    "list_my_work": "worklist.read",
    "list_obstacles": "obstacle.read",
    "list_urgings": "urging.read",
    "list_agreements": "agreement.read",
    "list_succession_worklist": "succession.read",
    "list_meetings": "meeting.read",
    "list_boundary_cases": "boundary_case.read",
    "list_corridors": "corridor.read",
    "list_funding_gates": "funding.read",
}
# Lists of one's own organisation's people, systems and imports.
OF_ONES_ORGANIZATION = {"list_users": "user.read", "list_clients": "client.read", "list_imports": "import.read"}
# Without a token, or with one of the caller's own making.
OPEN = frozenset(
    {
        "sign_in",
        "sign_out",
        "issue_token",
        "accept_invitation",
        "read_key_set",
        "read_document_content",
        "list_public_agreements",
        "read_public_agreement",
        "read_public_text",
        "list_public_tasks",
        "read_public_localities",
    }
)
