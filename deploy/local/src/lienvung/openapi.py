"""One OpenAPI document out of the services' own: the API as its callers see it through the gateway."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from copy import deepcopy
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from lienvung.routes import RESOURCES, needs_token
from shared.app import PROBLEM_RESPONSES
from shared.problems import MEDIA_TYPE

Json = dict[str, Any]

METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
TIMEOUT_SECONDS = 120
_PROBLEM: Json = PROBLEM_RESPONSES[404]["content"][MEDIA_TYPE]["schema"]
_PROBLEM_REFERENCE = {"$ref": "#/components/schemas/Problem"}


class OpenApiError(Exception):
    """The services' documents do not make one API."""


def merged_document(cache: Path | None = None) -> Json:
    """The document of the three services as they are installed; `cache` is a file that spares making it again.

    Made by a process of its own, so that whoever starts the gateway does not carry every service in its memory.
    """
    state = _state_of_sources()
    if cache is not None and cache.exists():
        kept: Json = json.loads(cache.read_bytes())
        if kept["state"] == state:
            return dict(kept["document"])
    document = _made_elsewhere()
    if cache is not None:
        partial = cache.with_suffix(".partial")
        partial.write_text(json.dumps({"state": state, "document": document}))
        partial.replace(cache)
    return document


def merge(documents: Mapping[str, Json]) -> Json:
    """The services' documents as one; whatever they say differently about the same thing is an error."""
    merged: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "Liên Vùng",
            "version": _version(documents),
            "description": "What localities promise each other, by whom, until when, and what came of it.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "tags": [],
        "paths": {},
        "components": {
            "schemas": {"Problem": deepcopy(_PROBLEM)},
            "responses": deepcopy(_GATEWAY_RESPONSES),
            "headers": deepcopy(_GATEWAY_HEADERS),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "Access token from `POST /v1/sessions` or `POST /v1/oauth/token` (RFC 8725).",
                }
            },
        },
    }
    operations: dict[str, str] = {}
    for service, document in documents.items():
        folded = _fold_problems(document)
        _add_components(merged, folded, service)
        _add_tags(merged, folded)
        for path, item in folded.get("paths", {}).items():
            if path in merged["paths"]:
                raise OpenApiError(f"{service} answers {path}, as another service does")
            merged["paths"][path] = _seen_through_gateway(path, item, service, operations)
    merged["paths"] = dict(sorted(merged["paths"].items()))
    return merged


def _made_elsewhere() -> Json:
    command = [sys.executable, "-m", "lienvung.openapi"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_SECONDS, check=True)
        document: Json = json.loads(done.stdout)
    except subprocess.CalledProcessError as error:
        raise OpenApiError(error.stderr.decode(errors="replace")[-2000:]) from error
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise OpenApiError(str(error)) from error
    return document


def _state_of_sources() -> str:
    """Changes with every change of the code that the document is made from."""
    digest = hashlib.sha256()
    for package in ("shared", "lienvung", *map(_package_of, RESOURCES)):
        spec = find_spec(package)
        for location in (spec and spec.submodule_search_locations) or ():
            for path in sorted(Path(location).rglob("*.py")):
                stat = path.stat()
                digest.update(f"{path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _print_document() -> None:
    # A process for each service, as they run; forked, so that what they share is imported once.
    with get_context("fork").Pool(len(RESOURCES), maxtasksperchild=1) as pool:
        documents = pool.map(_document_of, RESOURCES, chunksize=1)
    json.dump(merge(dict(zip(RESOURCES, documents, strict=True))), sys.stdout, ensure_ascii=False)


def _document_of(service: str) -> Json:
    package = _package_of(service)
    # No database is opened, but the settings ask for an address.
    settings = import_module(f"{package}.config").Settings(database_url="postgresql://localhost/unused")
    document: Json = import_module(f"{package}.app").create_app(settings).openapi()
    return document


def _package_of(service: str) -> str:
    return service.replace("-", "_")


def _version(documents: Mapping[str, Json]) -> str:
    versions = {document["info"]["version"] for document in documents.values()}
    if len(versions) != 1:
        raise OpenApiError(f"the services are of different versions: {', '.join(sorted(versions)) or 'none'}")
    return str(versions.pop())


def _fold_problems(value: Any) -> Any:
    """The same document, with each problem schema that was written out in place replaced by its name."""
    if isinstance(value, dict):
        if value == _PROBLEM:
            return dict(_PROBLEM_REFERENCE)
        return {name: _fold_problems(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_fold_problems(item) for item in value]
    return value


def _add_components(merged: Json, document: Json, service: str) -> None:
    for section, members in document.get("components", {}).items():
        # There is one scheme for all, named above.
        if section == "securitySchemes":
            continue
        known = merged["components"].setdefault(section, {})
        for name, member in members.items():
            # The component is the problem schema itself, which folding turned into a reference to itself.
            if member == _PROBLEM_REFERENCE and name == "Problem":
                continue
            if known.setdefault(name, member) != member:
                raise OpenApiError(f"{service} means something else by #/components/{section}/{name}")


def _add_tags(merged: Json, document: Json) -> None:
    known = {tag["name"] for tag in merged["tags"]}
    described = {tag["name"]: tag for tag in document.get("tags", [])}
    for name in [*described, *_tags_in_use(document)]:
        if name not in known:
            known.add(name)
            merged["tags"].append(described.get(name, {"name": name}))


def _tags_in_use(document: Json) -> Iterator[str]:
    for item in document.get("paths", {}).values():
        for method in METHODS & item.keys():
            yield from item[method].get("tags", ())


def _seen_through_gateway(path: str, item: Json, service: str, operations: dict[str, str]) -> Json:
    seen = dict(item)
    for method in METHODS & item.keys():
        operation = dict(item[method])
        name = operation.get("operationId")
        if name is not None and operations.setdefault(name, service + path + method) != service + path + method:
            raise OpenApiError(f"{service} names an operation {name}, as {operations[name]} does")
        operation.pop("security", None)
        responses = dict(operation.get("responses", {}))
        if not needs_token(method, path):
            operation["security"] = []
        if "requestBody" in operation:
            responses.setdefault("413", {"$ref": "#/components/responses/PayloadTooLarge"})
        responses.setdefault("429", {"$ref": "#/components/responses/TooManyRequests"})
        responses.setdefault("503", {"$ref": "#/components/responses/ServiceUnavailable"})
        seen[method] = operation | {"responses": responses}
    return seen


def _problem_response(description: str, *headers: str) -> Json:
    response: Json = {"description": description, "content": {MEDIA_TYPE: {"schema": _PROBLEM_REFERENCE}}}
    if headers:
        response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    return response


_GATEWAY_RESPONSES: Json = {
    "PayloadTooLarge": _problem_response("The body is larger than the gateway takes."),
    "TooManyRequests": _problem_response(
        "More requests than the quota.", "RateLimit", "RateLimit-Policy", "Retry-After"
    ),
    "ServiceUnavailable": _problem_response("The service is away for a moment.", "Retry-After"),
}
_GATEWAY_HEADERS: Json = {
    "RateLimit": {
        "description": "What is left of each quota (`r`).",
        "schema": {"type": "string"},
        "example": '"subject";r=598, "address";r=5998',
    },
    "RateLimit-Policy": {
        "description": "Each quota (`q`), which comes back evenly within its window of seconds (`w`).",
        "schema": {"type": "string"},
        "example": '"subject";q=600;w=10, "address";q=6000;w=10',
    },
    "Retry-After": {
        "description": "Seconds after which to try again.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 1,
    },
}


if __name__ == "__main__":
    _print_document()
