# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

# PRIVATE to the collection. What every first-aid script begins with; the controller puts `mark` and the settings in front.
# Only the shell's own commands, coreutils and rpm are used: minimal images have no find, no xargs and no awk.
# shellcheck disable=SC2034,SC2154  # used by the scripts that follow; mark is set by the controller

user_home=${HOME-/root}
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
LANGUAGE=C
HOME=/root
export PATH LC_ALL LANGUAGE HOME
unset IFS CDPATH ENV BASH_ENV
unalias -a
umask 022
NL='
'
TAB='	'

# A section of the answer: a line that begins with the run's random mark, then the body up to the next one.
section() {
    printf '\n%s %s\n' "$mark" "$*"
}

# limited SECONDS COMMAND...: a hung file system or database must not hang the play.
limited() {
    limit=$1
    shift
    timeout -k 5 "$limit" "$@" </dev/null
}

# Both streams, the exit code in `status`: rpm tells trouble with its database on the error stream only.
captured() {
    status=0
    output=$("$@" 2>&1) || status=$?
}

# The text of rpm's own errors, without those that only say that an asked path does not exist.
rpm_errors() {
    while IFS= read -r line; do
        case $line in
        'error: file '*': No such file or directory' | '') ;;
        'error: '*) printf '%s\n' "$line" ;;
        esac
    done
}

# name-[epoch:]version-release.arch on every line, without the epoch: the form that all versions of rpm take.
without_epoch() {
    sed 's/-[0-9][0-9]*:\([^-]*-[^-]*\)$/-\1/'
}

# leads_astray PATH: a link that stands for a folder, and leads through a folder that others than root may write. rpm takes
# a link to a folder for the folder itself, and looks only at that one.
leads_astray() {
    [ -L "$1" ] && [ -d "$1" ] || return 1
    walked=$(readlink -f -- "$1")
    [ -n "$walked" ] || return 0
    ! only_root_writes "$walked"
}

# only_root_writes FOLDER: it and all folders above it. Leaves the one that others may write in `walked`.
only_root_writes() {
    walked=$1
    while [ -n "$walked" ]; do
        case $(stat -c '%u %A' -- "$walked") in
        '0 d'????[!w]??[!w]?) ;;
        *) return 1 ;;
        esac
        walked=${walked%/*}
    done
}
