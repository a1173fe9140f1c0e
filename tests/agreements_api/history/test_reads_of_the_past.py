"""Every read of an agreement and of what belongs to it can be asked for as of an instant, or is named here."""

from agreements_api.app import create_app
from agreements_api.config import Settings

# What is not of an agreement, or is no state that passes.
OF_TODAY = {
    "told of two instants": {"/agreements/{agreement_id}/difference", "/tasks/{task_id}/difference"},
    "proved, not remembered": {
        "/agreements/{agreement_id}/history/verification",
        "/agreements/{agreement_id}/text/verification",
    },
    "never changes": {"/agreements/{agreement_id}/texts/{text_digest}"},
    "a file, and the way to it today": {"/documents/{document_id}/content", "/documents/{document_id}/link"},
    "what one may do next": {
        "/my-work",
        "/successions/worklist",
        "/successions/worklist/{case_id}",
        "/tasks/{task_id}/dependencies/impact",
        "/tasks/{task_id}/people",
        "/tasks/{task_id}/reports/draft",
    },
    "history itself, of what is no part of an agreement": {
        "/clients/{client_id}/history",
        "/organizations/{organization_id}/history",
        "/users/{user_id}/history",
    },
    "what the public sees today": {
        "/public/agreements",
        "/public/agreements/{agreement_id}",
        "/public/agreements/{agreement_id}/tasks",
        "/public/agreements/{agreement_id}/text",
        "/public/localities.geojson",
    },
    "work of the system, which stays as it ended": {
        "/imports",
        "/imports/{import_id}",
        "/imports/{import_id}/errors",
        "/imports/{import_id}/errors.csv",
        "/imports/{import_id}/events",
        "/imports/templates/{kind}.{format}",
        "/successions/runs/{run_id}",
    },
    "registers beside the agreements": {
        "/.well-known/jwks.json",
        "/clients",
        "/clients/{client_id}",
        "/me",
        "/organizations",
        "/organizations/{organization_id}",
        "/organizations/{organization_id}/contacts",
        "/organizations/{organization_id}/contacts/{contact_id}",
        "/plan-periods",
        "/units",
        "/units/{unit_id}",
        "/units/{unit_id}/children",
        "/units/{unit_id}/predecessors",
        "/units/{unit_id}/successors",
        "/users",
        "/users/{user_id}",
        "/users/{user_id}/open-work",
    },
}


def test_a_read_is_of_any_instant_or_is_named_here() -> None:
    paths = create_app(Settings(database_url="postgresql://localhost/unused")).openapi()["paths"]
    reads = {path.removeprefix("/v1"): item["get"] for path, item in paths.items() if "get" in item}
    of_today = {
        path for path, read in reads.items() if "as_of" not in {one["name"] for one in read.get("parameters", ())}
    }
    assert of_today == set[str]().union(*OF_TODAY.values())
