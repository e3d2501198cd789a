# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What the collection says of itself on the controller: its version, its playbooks and its roles."""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["parts", "version"]

_COLLECTION = Path(__file__).resolve().parents[3]


def parts() -> set[str]:
    """Return the playbooks and roles of this version, as C(playbooks/audit.yml) and C(roles/python_pin)."""
    found = {f"playbooks/{path.name}" for path in _COLLECTION.glob("playbooks/*.yml")}
    return found | {f"roles/{path.name}" for path in _COLLECTION.glob("roles/python_*") if path.is_dir()}


def version() -> str:
    """Return the version: of the manifest when the collection is installed, of galaxy.yml in a checkout."""
    manifest = _COLLECTION / "MANIFEST.json"
    if manifest.is_file():
        return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])
    for line in (_COLLECTION / "galaxy.yml").read_text(encoding="utf-8").splitlines():
        if line.startswith("version:"):
            return line.partition(":")[2].strip()
    return "unknown"
