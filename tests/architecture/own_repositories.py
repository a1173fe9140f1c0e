"""Whatever speaks HTTP asks another domain's service, and never its tables: one rule for every domain there is."""

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, output


class OwnRepositories(Contract):
    """A module that imports FastAPI imports the repositories of its own domain alone.

    A domain is a package right below a service, so that what puts the service together belongs to none and is free. A
    repository is a module that is called so, alone or with the name of what it keeps before it.
    """

    type_name = "own_repositories"

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        broken = [
            f"{importer} -> {imported}"
            for importer in sorted(graph.find_modules_that_directly_import("fastapi"))
            if _domain(importer)
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if _is_repository(imported) and _domain(imported) != _domain(importer)
        ]
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for found in check.metadata["broken"]:
            output.print_error(found, bold=False)


def _domain(module: str) -> str:
    service_and_domain = module.split(".")[:-1][:2]
    return ".".join(service_and_domain) if len(service_and_domain) == 2 else ""


def _is_repository(module: str) -> bool:
    name = module.rsplit(".", 1)[-1]
    return name == "repository" or name.endswith("_repository")
