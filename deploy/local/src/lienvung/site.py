"""The files that the gateway serves by itself: documentation, OpenAPI, event schemas, what each problem means."""

import gzip
import html
import importlib.util
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import shared.events
from shared.problems import Problem

PROBLEM_PACKAGES = ("agreements_api", "notifier", "reporting")
# Scripts, styles and calls of this origin only: that the page asks nobody else is the browser's promise, not ours.
# Swagger UI sets styles on elements and has its icons within its style sheet.
DOCUMENTATION_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
_SWAGGER_UI = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")
_GZIP = ".gz"
_WORTH_COMPRESSING = 4096
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".png": "image/png",
    ".json": "application/json",
}


@dataclass(frozen=True)
class StaticFile:
    """A file of the site, the path it is served under and the header fields that go with it."""

    url: str
    path: Path
    headers: dict[str, str]
    gzipped: bool = False


def build_site(directory: Path, sources: Path, document: dict[str, Any]) -> None:
    """Write the whole site anew; `sources` is where the documentation page is kept, `document` the OpenAPI document."""
    shutil.rmtree(directory, ignore_errors=True)
    documentation = directory / "docs"
    shutil.copytree(sources, documentation)
    for name in _SWAGGER_UI:
        shutil.copyfile(_swagger_ui() / name, documentation / name)
    (directory / "openapi.json").write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")))
    shutil.copytree(Path(shared.events.__file__).with_name("schemas"), directory / "schemas")
    _write_problems(directory / "problems")
    _compress(directory)


def files_of(directory: Path) -> list[StaticFile]:
    """The files of a site that was built; where one is also there compressed, that one is first."""
    return [
        file
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.suffix != _GZIP
        for file in _variants(_served(directory, path))
    ]


def _compress(directory: Path) -> None:
    """Once here instead of at each request, which anybody may send."""
    for path in list(directory.rglob("*")):
        if path.is_file() and path.suffix != ".png" and path.stat().st_size >= _WORTH_COMPRESSING:
            path.with_name(path.name + _GZIP).write_bytes(gzip.compress(path.read_bytes(), mtime=0))


def _variants(file: StaticFile) -> list[StaticFile]:
    compressed = file.path.with_name(file.path.name + _GZIP)
    if not compressed.exists():
        return [file]
    varying = file.headers | {"vary": "accept-encoding"}
    return [
        StaticFile(file.url, compressed, varying | {"content-encoding": "gzip"}, gzipped=True),
        StaticFile(file.url, file.path, varying),
    ]


def _served(directory: Path, path: Path) -> StaticFile:
    relative = path.relative_to(directory)
    headers = {"content-type": _TYPES[path.suffix], "cache-control": "public, max-age=300"}
    match relative.parts:
        case ("openapi.json",):
            # Any page may read what the API is; there is nothing of anybody in it.
            return StaticFile("/v1/openapi.json", path, headers | {"access-control-allow-origin": "*"})
        case ("docs", "index.html"):
            return StaticFile("/docs", path, headers | {"content-security-policy": DOCUMENTATION_POLICY})
        case ("schemas", *_):
            return StaticFile(f"/{relative.as_posix()}", path, headers | {"content-type": "application/schema+json"})
        case ("problems", name):
            url = f"/problems/{name.removesuffix('.html')}"
            return StaticFile(url, path, headers | {"content-security-policy": PAGE_POLICY})
        case _:
            return StaticFile(f"/{relative.as_posix()}", path, headers)


def _swagger_ui() -> Path:
    # Found, not imported: only its files are wanted.
    spec = importlib.util.find_spec("fastapi_swagger")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the package fastapi-swagger, which carries Swagger UI, is not installed")
    return Path(spec.origin).parent / "resources"


def _write_problems(directory: Path) -> None:
    directory.mkdir(parents=True)
    for problem in _known_problems():
        page = _PROBLEM_PAGE.format(
            code=html.escape(problem.code),
            status=problem.status,
            vi=html.escape(problem.title["vi"]),
            en=html.escape(problem.title["en"]),
            explanation=html.escape(_explanation(problem)),
        )
        (directory / f"{problem.code}.html").write_text(page)


def _known_problems() -> list[type[Problem]]:
    """Every kind of problem that the services can answer with, one for each code."""
    for package in PROBLEM_PACKAGES:
        for module in _error_modules(package):
            import_module(module)
    by_code: dict[str, type[Problem]] = {}
    for problem in _subclasses(Problem):
        by_code.setdefault(problem.code, problem)
    return list(by_code.values())


def _error_modules(package: str) -> Iterator[str]:
    spec = importlib.util.find_spec(package)
    for location in (spec and spec.submodule_search_locations) or ():
        for path in sorted(Path(location).rglob("errors.py")):
            yield ".".join((package, *path.relative_to(location).with_suffix("").parts))


def _subclasses(kind: type[Problem]) -> Iterator[type[Problem]]:
    yield kind
    for subclass in kind.__subclasses__():
        yield from _subclasses(subclass)


def _explanation(problem: type[Problem]) -> str:
    # Not inspect.getdoc: it would give every kind the words of its parent.
    return problem.__dict__.get("__doc__") or ""


_PROBLEM_PAGE = """<!doctype html>
<html lang="vi">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{code} – Liên Vùng</title>
<style>body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }}</style>
</head>
<body>
<p><code>{code}</code> · HTTP {status}</p>
<h1>{vi}</h1>
<p lang="en">{en}</p>
<p lang="en">{explanation}</p>
<p><a href="/docs">API</a></p>
</body>
</html>
"""
