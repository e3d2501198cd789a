#!/bin/sh
# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Watches the system's Python between two runs of Ansible; docs/guard.md describes it. Read only, but for its own state.
# Needs a POSIX shell, coreutils, grep, sed and rpm. Usage: guard [-c FILE] [check | full | baseline | compare | version]
#   check     looks whether anything changed, and judges the host if so or if it is time to
#   full      judges the host in any case
#   baseline  prints what the host looks like, in a form that does not depend on when or where
#   compare   prints how the host differs from the recorded baseline
# Exit codes: 0 as shipped, 1 there are findings (compare: differences), 2 it could not be checked, 3 postponed, because
# packages are being installed. What changed since the last time is printed, one JSON object a line.

set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
LANGUAGE=C
# Times are compared as text.
TZ=UTC0
export PATH LC_ALL LANGUAGE TZ
unset CDPATH ENV BASH_ENV GREP_OPTIONS TIME_STYLE LS_COLORS RPM_CONFIGDIR RPM_POPTEXEC_PATH XDG_CONFIG_HOME
unalias -a
umask 077
NL='
'
TAB='	'
IFS=" $TAB$NL"
# Of what it calls, every remark of the loader or of rpm would be a line in the journal at each check.
exec 3>&2 2>/dev/null

# What others than root may have named, in a text for the journal: nothing in it may be a line, or speak to a terminal.
for_people() {
    printf %s "$*" | tr -c ' -~' '?'
}

die() {
    printf 'guard: %s\n' "$(for_people "$*")" >&3
    exit 2
}
