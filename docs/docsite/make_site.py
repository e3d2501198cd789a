"""Build the documentation as a site: make_site.py TARGET. Any warning of Sphinx or antsibull-docs is an error.

Plugins and roles come from antsibull-docs, the guides from docs/. Links that leave docs/ lead to the repository.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
LINK = re.compile(r"(\]\()([^)\s#:]+)(#[^)\s]*)?\)")


def repository() -> str:
    """The address below which the files of the repository are shown."""
    address = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["repository"]
    return f"{address}/blob/main/"


def with_outer_links(page: Path, text: str, base: str) -> str:
    """Let the links of PAGE to files outside of docs/, or to what is no page, lead to the repository."""

    def outer(match: re.Match[str]) -> str:
        target = (page.parent / match[2]).resolve()
        if target.suffix in (".md", ".svg") and target.is_relative_to(DOCS):
            return match[0]
        return f"{match[1]}{base}{target.relative_to(ROOT)}{match[3] or ''})"

    return LINK.sub(outer, text)


def copy_guides(target: Path) -> None:
    for page in DOCS.rglob("*.md"):
        copy = target / page.relative_to(DOCS)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(with_outer_links(page, page.read_text(encoding="utf-8"), repository()), encoding="utf-8")
    shutil.copytree(DOCS / "images", target / "images")


def main() -> int:
    site = Path(sys.argv[1]).resolve()
    source = site / "source"
    shutil.rmtree(site, ignore_errors=True)
    copy_guides(source / "guides")
    for name in ("conf.py", "index.rst"):
        shutil.copy(DOCS / "docsite" / name, source)
    collections = source / "collections"
    collections.mkdir()
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build/collections")}
    options = ["--use-current", "--squash-hierarchy", "--fail-on-error", "--cleanup=everything"]
    command = ["antsibull-docs", "collection", *options, "--dest-dir", str(collections), "fleet.system_python"]
    subprocess.run(command, check=True, env=environment)
    return subprocess.run(["sphinx-build", "-W", "--keep-going", "-q", source, site / "html"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
