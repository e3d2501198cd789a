# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Which rules a report puts together."""

from __future__ import annotations

from ...module_utils._audit.findings import RULES, ids_of

__all__ = ["BINARY", "CHANGES", "DIFFERENCES", "LINKS", "TELLING"]

# What rpm -V prints, other than the links of the contract.
DIFFERENCES = ids_of(lambda rule: rule.differs)

BINARY = ids_of(lambda rule: rule.subject == "binary")

# Links that do not lead where they should, by themselves or by a group.
LINKS = ids_of(lambda rule: rule.change == "redirected")

# What the incident changed; others (a shadow in /usr/local) may be older than it.
TELLING = ids_of(lambda rule: rule.files and rule.subject != "environment")

# Which of the changes that python_dependents_info knows (_usage/read.py) a finding is.
CHANGES = {rule.id: rule.change for rule in RULES if rule.change}
