# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx's settings for the site that make_site.py makes."""

from typing import Any

project = "fleet.system_python"
copyright = "the fleet.system_python contributors"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "sphinx_ansible_theme"
html_title = "fleet.system_python"
html_show_sphinx = False
myst_heading_anchors = 4
# Diagrams and logs are no code; jmespath has no lexer.
suppress_warnings = ["misc.highlighting_failure"]
smartquotes = False
# Labels of Ansible's own documentation, which the pages of antsibull-docs refer to; nothing is fetched for them.
OUTER = (
    "ansible_collections.ansible.",
    "action_plugins",
    "callback_plugins",
    "common_return_values",
    "ansible_configuration_settings",
)


def outer_text(_app: object, _env: object, node: dict[str, str], text: object) -> object:
    """Show a reference to what is documented elsewhere as its text."""
    return text if node["reftarget"].startswith(OUTER) else None


def setup(app: Any) -> None:
    app.connect("missing-reference", outer_text)
