# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2154  # variables of other parts

# --- the baseline ----------------------------------------------------------------------------------------------------

# What the host looks like, one line an item, sorted: no times, no inodes, so that the same state gives the same text.
print_baseline() {
    {
        sed "s/^/package /; s/$TAB/ /" "$work/packages"
        printf '%s' "$links" | while IFS=$TAB read -r path _leads; do
            text='' && [ ! -L "$path" ] || link_text "$path"
            json_text "$text"
            printf 'link %s %s\n' "$path" "$json"
        done
        { printf '%s' "$binaries$twins" | cut -f 1 && grep -E '/libpython3\.[0-9]+m?\.so\.1\.0$' "$work/owned"; } |
            sort -u | while IFS= read -r path; do
            record "$path" || package=-
            [ -f "$path" ] || continue
            digest=$(sha256sum <"$path")
            printf 'file %s %s %s %s\n' "$path" "${digest%% *}" "$(stat -c '%a %u:%g' -- "$path")" "$package"
        done
        each_group print_group
        for path in /usr/bin/python* /usr/local/bin/python* /usr/local/sbin/python* /usr/libexec/platform-python*; do
            exists "$path" || continue
            json_text "$path"
            printf 'command %s\n' "$json"
        done
    } | sort -u
}

print_group() {
    text='' && [ ! -L "$entries/$group" ] || link_text "$entries/$group"
    json_text "$group $mode $text"
    printf 'alternatives %s\n' "$json"
}

# Sets baseline_state: none, missing, altered or good. The digest is in the configuration, which the controller wrote.
look_at_baseline() {
    baseline_state=none
    [ -n "$baseline" ] || return 0
    baseline_state=missing
    [ -f "$state/baseline" ] || return 0
    baseline_state=altered
    digest=$(sha256sum <"$state/baseline")
    [ "${digest%% *}" != "$baseline" ] || baseline_state=good
}

# Differences, one JSON object a line. What goes with another release of a package is "updated", everything else is not.
print_differences() {
    print_baseline >"$work/now"
    sort "$state/baseline" >"$work/then"
    updated=$NL$(comm -13 "$work/then" "$work/now" | sed -n 's/^package \([^ ]*\) .*/\1/p')$NL
    comm -3 "$work/then" "$work/now" | while IFS= read -r line; do
        case $line in
        "$TAB"*) what=added line=${line#"$TAB"} ;;
        *) what=removed ;;
        esac
        case $line in
        "package "*) owner=${line#package } owner=${owner%% *} ;;
        "file "*) owner=${line##* } ;;
        *) owner='' ;;
        esac
        ! is_in "$owner" "$updated" || what=updated-$what
        escaped=$(printf '%s\n' "$line" | sed 's/"/\\"/g')
        printf '{"difference":"%s","item":"%s"}\n' "$what" "$escaped"
    done
}

judge_baseline() {
    look_at_baseline
    case $baseline_state in
    missing) found baseline-missing "$state/baseline" "the recorded baseline of this host is gone" ;;
    altered)
        found baseline-altered "$state/baseline" \
            "the recorded baseline of this host was altered: its digest is not the configured one"
        ;;
    esac
}

compare() {
    look_at_baseline
    case $baseline_state in
    none) die "no baseline is recorded for this host" ;;
    missing) die "the baseline $state/baseline is gone" ;;
    altered) die "the baseline $state/baseline was altered: its digest is not the configured one" ;;
    esac
    make_work
    ask_rpm || die "the package database cannot be read"
    print_differences >"$work/differences"
    require_room
    cat "$work/differences"
    ! grep -q -v '^{"difference":"updated-' "$work/differences" || exit 1
    exit 0
}
