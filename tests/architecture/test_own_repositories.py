"""The rule that keeps HTTP from the tables of other domains."""

import pytest
from grimp import ImportGraph

from tests.architecture.own_repositories import OwnRepositories


@pytest.mark.parametrize(
    "imported",
    [
        "agreements_api.tasks.repository",
        "agreements_api.tasks.queue_repository",
        "agreements_api.tasks.past.repository",
    ],
)
def test_a_router_that_imports_a_repository_of_another_domain_breaks_it(imported: str) -> None:
    assert broken("agreements_api.agreements.router", imported) == [f"agreements_api.agreements.router -> {imported}"]


@pytest.mark.parametrize(
    "imported",
    [
        "agreements_api.agreements.repository",
        "agreements_api.agreements.past.repository",
        "agreements_api.tasks.service",
        "agreements_api.tasks.repository_of_nothing",
    ],
)
def test_its_own_repositories_and_the_services_of_others_are_free(imported: str) -> None:
    assert broken("agreements_api.agreements.router", imported) == []


def test_what_speaks_no_http_is_free() -> None:
    graph = ImportGraph()
    graph.add_import(importer="agreements_api.agreements.router", imported="fastapi")
    graph.add_import(importer="agreements_api.agreements.service", imported="agreements_api.tasks.repository")
    assert contract().check(graph, verbose=False).kept


def test_what_puts_a_service_together_is_free() -> None:
    assert broken("agreements_api.app", "agreements_api.tasks.repository") == []


def broken(importer: str, imported: str) -> list[str]:
    graph = ImportGraph()
    graph.add_import(importer=importer, imported="fastapi")
    graph.add_import(importer=importer, imported=imported)
    check = contract().check(graph, verbose=False)
    found: list[str] = check.metadata["broken"]
    assert check.kept is not bool(found)
    return found


def contract() -> OwnRepositories:
    return OwnRepositories(name="own repositories", session_options={}, contract_options={})
