# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

# PRIVATE to the collection. What is looked at only where no interpreter is trusted: how the system's own files change, and
# what first aid is about to overwrite or what tells who did it. Read only; all that it prints is bounded.
# Settings: system_folder, mode_tools, ostree_booted (see _disk/host_mode.py); evidence_packages, evidence_paths,
# evidence_states (folders), evidence_logs, each empty where nothing is to be kept.
# shellcheck disable=SC2034,SC2154  # set by, or for, the controller, common.sh and probe.sh

surveyed='' surveyed_lines=''
most_files=80
most_lines=400
most_of_file=67108864
most_of_log=32768
install_query='%{INSTALLTIME}\t%{NAME}\t%{NAME}-%{EPOCHNUM}:%{VERSION}-%{RELEASE}.%{ARCH}\t%{VENDOR}\n'
record_query='[%{FILEDIGESTS}\t%{FILESIZES}\t%{FILEMODES:octal}\t%{FILEUSERNAME}\t%{FILEGROUPNAME}\t%{FILELINKTOS}\t%{FILENAMES}\n]'

report_mode() {
    [ -w "$system_folder" ] || section "mode read-only"
    [ ! -e "$ostree_booted" ] || section "mode ostree"
    for program in $mode_tools; do
        [ ! -x "$program" ] || section "mode ${program##*/}"
    done
}

keep_evidence() {
    [ -n "$evidence_packages" ] || return 0
    section "evidence $(date +%s)"
    keep_packages
    keep_files
    keep_states
    keep_logs
    keep_logins
}

# The answers of rpm -V come as in report_installed, which may have asked for some of them already.
keep_packages() {
    architecture=$(system_architecture)
    surveyed=${surveyed:- }
    # shellcheck disable=SC2086  # one package a word
    owners=$(ask 60 -q --qf "$package_query" -- $evidence_packages 2>/dev/null | of_architecture)
    labels=$(printf '%s\n' "$owners" | cut -f 2)
    [ -n "$labels" ] || return 0
    # shellcheck disable=SC2086  # one package a word
    answer evidence-packages "$(ask 60 -q --qf "$install_query" -- $labels | head -n "$most_lines")"
    survey_packages
    altered=$(altered_paths | sed "s/^/$TAB/")
    # shellcheck disable=SC2086  # one package a word
    [ -z "$altered" ] || answer evidence-records "$(ask 60 -q --qf "$record_query" -- $labels | grep -F -e "$altered" |
        head -n "$most_lines")"
}

altered_paths() {
    printf '%s' "$surveyed_lines" | sed -n 's/^[^/]* \(\/.*\)$/\1/p' | head -n "$most_files"
}

# The names of the contracts first.
keep_files() {
    kept=$NL kept_files=0
    for path in $evidence_paths; do
        keep_chain "$path"
    done
    split_lines
    for path in $(altered_paths); do
        keep_chain "$path"
    done
    split_words
}

keep_chain() {
    hop=$1
    while exists "$hop" && [ "$kept_files" -lt "$most_files" ]; do
        case $kept in
        *"$NL$hop$NL"*) return 0 ;;
        esac
        kept=$kept$hop$NL kept_files=$((kept_files + 1))
        keep_file "$hop"
        [ -L "$hop" ] || return 0
        leads=$(readlink -n -- "$hop")
        case $leads in
        /*) hop=$leads ;;
        *) hop=${hop%/*}/$leads ;;
        esac
    done
}

keep_file() {
    answer "evidence-file $(stat -c '%f %u %g %s %Y %Z %h' -- "$1")" "$1"
    if [ -L "$1" ]; then
        section evidence-link
        readlink -n -- "$1"
    elif [ -f "$1" ] && [ "$(stat -c %s -- "$1")" -le "$most_of_file" ]; then
        section "evidence-digest $(digest_of_file "$1")"
        head -c 1024 -- "$1" | base64 -w 0
    fi
}

keep_states() {
    for folder in $evidence_states; do
        for path in "$folder"/*py* "$folder"/*pip*; do
            [ -f "$path" ] && [ ! -L "$path" ] || continue
            answer "evidence-state $(stat -c '%Y %Z' -- "$path")" "$path"
            section evidence-text
            head -c 4096 -- "$path"
        done
    done
}

keep_logs() {
    for path in $evidence_logs; do
        [ -f "$path" ] && [ ! -L "$path" ] || continue
        section "evidence-log $path"
        limited 6 tail -c "$most_of_log" -- "$path"
    done
}

# who is of coreutils; last is run where rpm vouches for it.
keep_logins() {
    if [ -x /usr/bin/last ] && [ -z "$(verify_files /usr/bin/last 2>&1)" ]; then
        section "evidence-logins last"
        TZ=UTC0 limited 6 /usr/bin/last -F -w -n 100
    elif [ -f /var/log/wtmp ]; then
        section "evidence-logins who"
        TZ=UTC0 limited 6 who /var/log/wtmp | tail -n 100
    fi
}
