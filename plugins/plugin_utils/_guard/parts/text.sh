# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # variables of other parts

# --- lists, and text for machines ------------------------------------------------------------------------------------

# with_words SEPARATOR LIST COMMAND...: runs the command with the words of the list behind its arguments.
with_words() {
    IFS=$1 words=$2
    shift 2
    set -f
    # shellcheck disable=SC2086  # that is the purpose
    set -- "$@" $words
    set +f
    IFS=" $TAB$NL"
    "$@"
}

# in_portions FILE NUMBER COMMAND...: runs the command with so many lines of the file behind its arguments, as often as it
# takes: a command line has not room for all of them. Fails where the command could not be run.
in_portions() {
    listed=$1 most=$2 last=0 held='' number=0
    shift 2
    IFS=$NL
    set -f
    # shellcheck disable=SC2013  # one path a line
    for entry in $(cat "$listed"); do
        held=$held$entry$NL number=$((number + 1))
        [ "$number" -eq "$most" ] || continue
        with_words "$NL" "$held" "$@" || last=$?
        answered "$last" || return 1
        held='' number=0
    done
    IFS=" $TAB$NL"
    set +f
    [ -z "$held" ] || with_words "$NL" "$held" "$@" || last=$?
    answered "$last"
}

is_in() {
    case "$NL$2" in
    *"$NL$1$NL"*) return 0 ;;
    esac
    return 1
}

# json_text TEXT: sets `json`. What is not printable ASCII becomes \xNN, a newline \n, a backslash two, as everywhere in
# the collection; the quotes are then escaped for JSON.
json_text() {
    case $1 in
    *[!\ -~]*) json=$(printf %s "$1" | od -An -v -tx1 | json_bytes) ;;
    *[\"\\]*) json=$(printf '%s\n' "$1" | sed 's/\\/\\\\\\\\/g; s/"/\\"/g') ;;
    *) json=$1 ;;
    esac
}

json_bytes() {
    while read -r line; do
        for byte in $line; do
            case $byte in
            0a) printf '\\\\n' ;;
            09) printf '\\\\t' ;;
            22) printf '\\"' ;;
            5c) printf '\134\134\134\134' ;;
            [01]? | 7f | [89a-f]?) printf '\\\\x%s' "$byte" ;;
            *)
                # shellcheck disable=SC2059  # the format is one octal escape, made of two hexadecimal digits
                printf "\\$(printf %03o "0x$byte")"
                ;;
            esac
        done
    done
}

# exception_for ID PATH [NAME]: sets `accepted_to` to the end of an exception that is about it, of several one that holds.
# An ID of '*' is any.
exception_for() {
    accepted_to=''
    while IFS=$TAB read -r its_id its_end its_pattern; do
        [ "$1" = "$its_id" ] || { [ "$1" = '*' ] && [ -n "$its_id" ]; } || continue
        # shellcheck disable=SC2254  # it is a pattern
        case $2 in
        $its_pattern) ;;
        *) case ${3:-} in $its_pattern) ;; *) continue ;; esac ;;
        esac
        accepted_to=$its_end
        is_over "$its_end" || return 0
    done <<EOF
$exceptions
EOF
    [ -n "$accepted_to" ]
}

is_over() {
    [ "$1" != - ] && [ "$day" -gt "$1" ]
}

# is_accepted ID PATH: by an exception that is not over.
is_accepted() {
    [ -n "$exceptions" ] && exception_for "$1" "$2" && ! is_over "$accepted_to"
}

# found ID PATH SUMMARY [SEVERITY [NAME]]: notes a finding that is not accepted. A summary may only contain what went through
# json_text. An empty SEVERITY is that of the rule.
found() {
    expired=''
    if [ -n "$exceptions" ] && exception_for "$1" "$2" "${5-}"; then
        is_over "$accepted_to" || return 0
        expired="; THE EXCEPTION FOR IT EXPIRED on $(printf '%s' "$accepted_to" | sed 's/\(....\)\(..\)/\1-\2-/')"
    fi
    rule=${rules#*"$1 "}
    rule=${rule%%"$NL"*}
    json_text "$2"
    printf '{"id":"%s","name":"%s","severity":"%s","path":"%s","summary":"%s"}\n' \
        "$1" "${rule% *}" "${4:-${rule#* }}" "$json" "$3$expired" >>"$work/findings"
}

# Sets `seconds` and `now`.
take_time() {
    now=$(date -u '+%s %Y-%m-%dT%H:%M:%SZ')
    seconds=${now% *} now=${now#* }
}

# What could not be written down would look like a host on which there is nothing to find.
require_room() {
    head -c 262144 /dev/urandom >"$work/room" || die "nothing was judged: the file system of $state is full"
    : >"$work/room"
}
