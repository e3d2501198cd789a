# Copyright (c) 2026, The fleet.system_python contributors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this document fragment is PRIVATE to the collection. It can have breaking changes at any time.
# Do not use it from other collections or standalone plugins.
#
# A module that changes hosts:
#
#   extends_documentation_fragment:
#     - fleet.system_python._attributes
#     - fleet.system_python._attributes.action_group
#   attributes:
#     check_mode:
#       support: full
#     diff_mode:
#       support: full
#     idempotent:
#       support: full
#
# A module that only reads (check_mode, diff_mode and idempotent are given):
#
#   extends_documentation_fragment:
#     - fleet.system_python._attributes
#     - fleet.system_python._attributes.action_group
#     - fleet.system_python._attributes.info_module     # or .facts_module, where it returns ansible_facts
#
# A module that is done by an action plugin of the same name adds C(.controller).

"""Documentation fragments: what every module of the collection says about itself."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes of modules."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
  diff_mode:
    description: Will return details on what has changed (or would change in C(check_mode)), when in diff mode.
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
      - This assumes that the system controlled/queried by the module has not changed in a relevant way.
  platform:
    description: Target OS/families that can be operated against.
    support: full
    platforms: RHEL 8 to 10, SLES 15 and 16, with the releases that have a contract
"""

    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This action does not modify state.
  diff_mode:
    support: N/A
    details:
      - This action does not modify state.
  idempotent:
    support: full
    details:
      - This action does not modify state.
"""

    FACTS_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This action does not modify state.
  diff_mode:
    support: N/A
    details:
      - This action does not modify state.
  idempotent:
    support: full
    details:
      - This action does not modify state.
  facts:
    description: Action returns an C(ansible_facts) dictionary that will update existing host facts.
    support: full
"""

    ACTION_GROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/fleet.system_python.system_python) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - fleet.system_python.system_python
"""

    CONTROLLER = r"""
options: {}
attributes:
  action:
    description: An action plugin of the same name does part of the work on the controller.
    support: full
"""

    EXCEPTIONS = r"""
options:
  exceptions:
    description:
      - Findings that are accepted (C(docs/exceptions.md)), each with C(rule), C(path) or C(name) (a pattern),
        C(reason) and, if you want, C(expires) (its last day, as V(2027-01-31)) and C(hosts) (names and groups of the
        inventory).
      - They do not count, and nothing is done about them. All mistakes in them are reported at once.
    type: list
    elements: dict
    default: []
"""
