# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

# PRIVATE to the collection. What is looked at only where no interpreter is trusted. Read only.
# Settings: system_folder, mode_tools, ostree_booted (see _disk/host_mode.py).
# shellcheck disable=SC2154  # set by the controller, or by common.sh

# What decides how the system's own files change.
report_mode() {
    [ -w "$system_folder" ] || section "mode read-only"
    [ ! -e "$ostree_booted" ] || section "mode ostree"
    for program in $mode_tools; do
        [ ! -x "$program" ] || section "mode ${program##*/}"
    done
}
