# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2154  # variables of other parts

# --- state, metrics, and what is told --------------------------------------------------------------------------------

report_unreadable_database() {
    json_text "$trouble"
    found SP302 '' "the package database cannot be read: $json"
    status=unchecked
}

# publish FILE TARGET: a reader sees the old content or the new one.
publish() {
    mv -f "$1" "$2" || die "$2 could not be written"
}

write_state() {
    {
        printf '{"schema":1,"host":"%s","time":"%s","status":"%s","contract":"%s","full_check":"%s","findings":[' \
            "$host" "$now" "$status" "$contract" "$last_moment"
        separator=''
        while IFS= read -r line; do
            printf '%s\n%s' "$separator" "$line"
            separator=,
        done <"$state/findings"
        printf ']}\n'
    } >"$draft" || die "nothing can be written to $state"
    publish "$draft" "$state/state.json"
    [ -z "$metrics" ] || write_metrics
}

metric() {
    printf '# HELP fleet_system_python_guard_%s %s\n# TYPE fleet_system_python_guard_%s gauge\n' "$1" "$2" "$1"
}

# Without the paths of findings: a metric must not have as many series as there are files.
write_metrics() {
    [ -d "$metrics" ] || die "the folder for metrics $metrics does not exist"
    [ -n "$work" ] || make_work
    {
        metric status 'What the last check came to; 1 for the state that holds.'
        for one in fine findings unchecked postponed; do
            [ "$one" = "$status" ] && value=1 || value=0
            printf 'fleet_system_python_guard_status{status="%s"} %s\n' "$one" "$value"
        done
        metric findings 'Findings of the last check, by kind and severity.'
        [ ! -s "$state/findings" ] || sed -n 's/^{"id":"\([^"]*\)","name":"\([^"]*\)","severity":"\([^"]*\)".*/id="\1",name="\2",severity="\3"/p' \
            "$state/findings" | sort | uniq -c | while read -r count labels; do
            printf 'fleet_system_python_guard_findings{%s} %s\n' "$labels" "$count"
        done
        metric check_timestamp_seconds 'When the last check ended.'
        printf 'fleet_system_python_guard_check_timestamp_seconds %s\n' "$seconds"
        metric full_check_timestamp_seconds 'When everything was judged the last time.'
        printf 'fleet_system_python_guard_full_check_timestamp_seconds %s\n' "$last_full"
    } >"$work/metrics" || die "nothing can be written to $state"
    # The folder may belong to somebody else, who can exchange what is in it: the name is made in the same step as it is
    # opened, and neither its mode is set nor is a link followed later on.
    draft=$(mktemp -u "$metrics/.fleet_system_python_guard.XXXXXXXXXX") || die "nothing can be written to $metrics"
    (umask 022 && set -C && cat "$work/metrics" >"$draft") &&
        mv -fT -- "$draft" "$metrics/fleet_system_python_guard.prom" && return 0
    rm -f -- "$draft"
    die "nothing can be written to $metrics"
}

# Prints the changes since the last time, and hands them to the command of the configuration.
tell() {
    sort -u "$work/findings" >"$work/sorted"
    [ -e "$state/findings" ] || : >"$state/findings"
    comm -3 "$work/sorted" "$state/findings" | while IFS= read -r line; do
        case $line in
        "$TAB"*) change=gone line=${line#"$TAB"} ;;
        *) change=new ;;
        esac
        printf '{"time":"%s","host":"%s","change":"%s",%s\n' "$now" "$host" "$change" "${line#?}"
    done >"$work/changes"
    while IFS= read -r line; do
        printf '%s%s\n' "$(priority "$line")" "$line"
    done <"$work/changes"
    notify
    # Told first, then kept: a check that is killed in between tells it twice, and never not at all.
    publish "$work/sorted" "$state/findings"
}

# The journal takes a priority in front of a line (sd-daemon(3)).
priority() {
    [ -n "${JOURNAL_STREAM-}" ] || return 0
    case $1 in
    *'"change":"gone"'*) printf '<6>' ;;
    *'"severity":"critical"'*) printf '<2>' ;;
    *'"severity":"major"'*) printf '<3>' ;;
    *'"severity":"minor"'*) printf '<4>' ;;
    *) printf '<5>' ;;
    esac
}

# The command gets one JSON document on its standard input, and no shell looks at it.
notify() {
    [ -n "$notify" ] && [ -s "$work/changes" ] || return 0
    {
        printf '{"schema":1,"host":"%s","time":"%s","status":"%s","changes":[' "$host" "$now" "$status"
        sed '$!s/$/,/' "$work/changes"
        printf ']}\n'
    } >"$work/message"
    with_words "$NL" "$notify" timeout -k 5 30 <"$work/message" >"$work/notified" 2>&1 ||
        printf 'guard: the command for alerts %s failed with %s: %s\n' "${notify%%"$NL"*}" "$?" \
            "$(for_people "$(tail -c 300 "$work/notified")")" >&3
}
