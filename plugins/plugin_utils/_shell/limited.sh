# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

# --- commands that have a limit of time and of output ----------------------------------------------------------------

# Bytes that a command may print, and say on the error stream: what prints without end would fill the memory.
most_output=67108864
most_errors=1048576

# limited SECONDS COMMAND...: a hung file system or database must not hang the play. Ends with 124 or 137 when the time was
# over, with 141 when it printed too much.
limited() {
    limit=$1
    shift
    {
        code=$({
            {
                {
                    timeout -k 5 "$limit" "$@" </dev/null 2>&6 3>&- 4>&- 5>&- 6>&-
                    printf '%s' "$?" >&4
                } | {
                    head -c "$most_output" >&3
                    IFS= read -r more || [ -n "$more" ] || exit 0
                    printf x >&4
                }
            } 6>&1 | head -c "$most_errors" >&5
        } 4>&1)
    } 3>&1 5>&2
    case $code in
    *x*) return 141 ;;
    '') return 137 ;;
    esac
    return "$code"
}
