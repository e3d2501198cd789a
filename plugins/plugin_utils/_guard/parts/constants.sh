# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # variables of other parts

VERSION=1
# What minimal images leave out.
left_out='^/usr/(share/(doc|info|licenses|locale|man)|lib/\.build-id)(/|$)'
# Of the lines of $work/files, for grep and sed.
column="[^$TAB]*$TAB"
