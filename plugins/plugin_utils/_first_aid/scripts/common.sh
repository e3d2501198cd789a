# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
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
unset IFS CDPATH ENV BASH_ENV RPM_CONFIGDIR RPM_POPTEXEC_PATH XDG_CONFIG_HOME
unalias -a
umask 022
# A remark of the loader, of sudo or of rpm is no part of an answer, also where a terminal has both streams in one.
exec 2>/dev/null
NL='
'
TAB='	'

# A section of the answer: a line that begins with the run's random mark, then the body up to the next one.
section() {
    printf '\n%s %s\n' "$mark" "$*"
}

# answer HEADING TEXT: a section with one text.
answer() {
    section "$1"
    printf '%s\n' "$2"
}

# show_encoded FILE: its content, in one line.
show_encoded() {
    base64 -w 0 "$1" && printf '\n'
}

# cut_short STATUS: what has this exit code did not come to its end.
cut_short() {
    case $1 in
    124 | 137 | 139 | 141) ;;
    *) return 1 ;;
    esac
}

# ask SECONDS ARGUMENT... or ask_by PROGRAM SECONDS ARGUMENT...: what rpm answers with its vendor's macros only, and without
# aliases: see docs/notes/asking-rpm.md.
ask() {
    ask_by rpm "$@"
}

ask_by() {
    program=$1 seconds=$2
    shift 2
    limited "$seconds" env RPM_CONFIGDIR=/dev/null HOME=/dev/null "$program" --rcfile /usr/lib/rpm/rpmrc \
        --macros /usr/lib/rpm/macros --dbpath "$database" "$@"
}

# captured COMMAND...: sets `output`, which is data, `errors`, which are remarks until it fails, and `status`.
captured() {
    streams=$({
        output=$("$@" 2>&3 3>&-)
        printf '\n%s %s\n%s.' "$mark" "$?" "$output"
    } 3>&1)
    case $streams in
    "$NL$mark "*) errors='' streams=${streams#"$NL$mark "} ;;
    *)
        # Not by the shell's patterns, which take the square of the time.
        errors=$(printf '%s\n' "$streams" | sed "/^$mark /,\$d")
        streams=$(printf '%s\n' "$streams" | sed -n "/^$mark /,\$p")
        streams=${streams#"$mark "}
        ;;
    esac
    status=${streams%%"$NL"*}
    output=${streams#*"$NL"}
    output=${output%.}
    [ "${#errors}" -lt $((most_errors - 1)) ] || status=141
}

# explained COMMAND...: as captured; where it failed, `output` has both streams, for people to read.
explained() {
    captured "$@"
    [ "$status" -eq 0 ] || output=$output$NL$errors
}

# verify PACKAGE..., verify_files PATH...: the answer of rpm -V; nothing of a package is run for it.
verify() {
    ask 300 -V --nodeps --noscripts -- "$@"
}

verify_files() {
    ask 300 -V --nodeps --noscripts -f -- "$@"
}

# verified FUNCTION...: one of these two, as captured; where rpm failed and has no answer, `output` says why.
verified() {
    captured "$@"
    [ "$status" -eq 0 ] || [ -n "$output" ] || output=${errors:-"rpm -V ended with exit code $status"}
}

# What the packages of this system are made for: that of rpm's own. The kernel's may be another one (AlmaLinux builds
# x86_64_v2 packages).
system_architecture() {
    made_for=$(ask 60 -q --qf '%{ARCH}\n' -- rpm 2>/dev/null) || made_for=$(uname -m)
    printf '%s\n' "${made_for%%"$NL"*}"
}

# One word a line, of which none is a pattern; split_words ends it.
split_lines() {
    IFS=$NL
    set -f
}

split_words() {
    unset IFS
    set +f
}

digest_of_text() {
    printf '%s' "$1" | sha256sum | cut -d ' ' -f 1
}

digest_of_file() {
    sha256sum <"$1" | cut -d ' ' -f 1
}

# The text of rpm's own errors, without those that only say that an asked path does not exist.
rpm_errors() {
    while IFS= read -r line; do
        case $line in
        'error: file '*': No such file or directory' | '') ;;
        'error: '* | 'warning: using dummy database'*) printf '%s\n' "$line" ;;
        esac
    done
}

# believed: after captured ask, whether rpm came to its end and could read its database; if not, `trouble` is why. What it
# complains of whatever it is asked, as of a line of its macros, is a remark.
believed() {
    trouble=''
    case $status in
    0) return 0 ;;
    124) trouble="rpm did not answer within its time limit" ;;
    137) trouble="rpm did not answer within its time limit and had to be killed" ;;
    139) trouble="rpm was ended by signal 11" ;;
    141) trouble="rpm printed without end and was stopped" ;;
    126 | 127) [ -n "$output" ] || trouble="rpm itself cannot be run: ${errors:-exit code $status}" ;;
    esac
    [ -z "$trouble" ] || return 1
    trouble=$(printf '%s\n' "$errors" | rpm_errors)
    [ -n "$trouble" ] || return 0
    # Sets neither status nor output, which are still wanted.
    usual=$(ask 20 --eval '' 2>&1 >/dev/null | rpm_errors)
    trouble=$(printf '%s\n' "$usual" "$usual" "$trouble" | sort | uniq -u)
    [ -z "$trouble" ]
}

# on_disk PATHS: what was written to the file systems of these paths, one a line, survives a loss of power.
on_disk() {
    split_lines
    # shellcheck disable=SC2086  # one path a line
    sync -f -- $1 2>/dev/null || sync
    split_words
}

# leads_astray PATH: a link that stands for a folder, and leads through a folder that others than root may write. rpm takes
# a link to a folder for the folder itself, and looks only at that one.
leads_astray() {
    [ -L "$1" ] && [ -d "$1" ] && others_lead "$1"
}

# open_folders FOLDER...: those of them, and of all above them, that others than root may change. The bits of the group are
# the most that an access control list gives anybody.
open_folders() {
    folders=$(for walked in "$@"; do
        walked=$(readlink -f -- "$walked")
        while [ -n "${walked#/}" ]; do
            printf '%s\n' "$walked"
            walked=${walked%/*}
        done
    done | sort -u)
    # shellcheck disable=SC2086  # one folder a line
    (split_lines && stat -c '%u %A %n' -- / $folders) | while read -r owner mode folder; do
        case "$owner $mode" in
        '0 d'????[!w]??[!w]?) ;;
        *) printf '%s\n' "$folder" ;;
        esac
    done
}
