"""The workspace itself: its shape, its one lock, and what must never get into it."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOP_LEVEL = {
    "services",
    "shared",
    "deploy",
    "tests",
    "docs",
    "Makefile",
    "pyproject.toml",
    "requirements.lock",
    "README.md",
    "LICENSE",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
}


def test_the_top_level_holds_exactly_what_the_architecture_names() -> None:
    # uv.lock is where `make lock` resolves; git ignores it because it names a registry.
    present = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - {"uv.lock"}
    assert present == TOP_LEVEL


def test_every_locked_package_is_pinned_with_a_hash() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pins = re.findall(r"^[a-z0-9._-]+==\S+.*\\\n(?:    --hash=sha256:[0-9a-f]{64}.*\n)+", lock, re.MULTILINE)
    names = re.findall(r"^[a-z0-9._-]+==", lock, re.MULTILINE)
    assert len(pins) == len(names) > 50


def test_the_lock_names_no_registry() -> None:
    assert "://" not in (ROOT / "requirements.lock").read_text()


def test_every_workspace_member_has_the_licence_and_python_of_the_workspace() -> None:
    workspace = tomllib.loads((ROOT / "pyproject.toml").read_text())
    members = [
        path for pattern in workspace["tool"]["uv"]["workspace"]["members"] for path in sorted(ROOT.glob(pattern))
    ]
    assert len(members) == 5
    for member in members:
        project = tomllib.loads((member / "pyproject.toml").read_text())["project"]
        assert (project["license"], project["requires-python"]) == ("Apache-2.0", ">=3.11")
