# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # variables of other parts

# --- what is watched, and what changed -------------------------------------------------------------------------------

# Sets `print`: a digest of what is listed.
fingerprint() {
    print=$(list_watched | sha256sum)
    print=${print%% *}
}

# The same of what was judged. That was read before, so where something changed since, no later state is known as this
# one, and the next check judges again.
fingerprint_judged() {
    list_watched >"$work/listing"
    print=$(sha256sum <"$work/listing")
    print=${print%% *}
    # shellcheck disable=SC2012  # the one name is ours
    began=$(ls -cd --full-time -- "$work/began" | list_times)
    printf '%s\n%s\n' "$(list_times <"$work/listing" | sort | tail -n 1)" "$began" | sort -C -u || print=changing
}

list_times() {
    grep -E -o '[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}[.][0-9]{9}'
}

# Names, kinds, modes, owners, sizes, inodes and change times (which root cannot set) of all that decides the verdict.
list_watched() (
    IFS=$NL
    # shellcheck disable=SC2086  # patterns and lists of one entry a line
    set -- "$config" "$0" $watched
    set -f
    exec 2>&1
    ls -lincd --full-time -- "$@"
    # shellcheck disable=SC2086
    ls -liAncR --full-time -- $libraries$landmarks$archives
    # shellcheck disable=SC2086
    ls -liAnc --full-time -- $scripts$local_folders$user_folders
    [ ! -f "$state/watch" ] || in_portions "$state/watch" 1000 ls -lincd --full-time --
    [ ! -f "$state/ways" ] || state_of_ways
)

# Of these folders neither content nor times count.
state_of_ways() {
    in_portions "$state/ways" 1000 stat -L -c '%u %A %n' --
}

# An rpm that installs holds a write lock on this file; the kernel says so. It says no file system, so everybody can
# lock a file of their own that has the same number: only a lock of root counts.
transaction_runs() {
    inodes=$(stat -L -c %i /var/lib/rpm/.rpm.lock /usr/lib/sysimage/rpm/.rpm.lock)
    [ -n "$inodes" ] || return 1
    grep -E "^[0-9]*: POSIX .*WRITE .*:(${inodes%"$NL"*}|${inodes#*"$NL"}) " /proc/locks >"$work/locks" || return 1
    while read -r _number _kind _way _type holder _place; do
        ! is_of_root "$holder" || return 0
    done <"$work/locks"
    return 1
}

# is_of_root PID. A process of another PID namespace cannot be seen from here, and may be root's.
is_of_root() {
    uid=''
    [ ! -r "/proc/$1/status" ] || while read -r key value _more; do
        [ "$key" != Uid: ] || uid=$value
    done <"/proc/$1/status"
    [ "${uid:-0}" -eq 0 ]
}

wait_for_transaction() {
    waited=0
    while transaction_runs; do
        [ "$waited" -lt "$wait_seconds" ] || return 1
        sleep 2
        waited=$((waited + 2))
    done
    return 0
}

# What has to be watched beside the configured places: packaged files elsewhere, targets of links and alternatives, and
# the names that search paths could find.
write_watch() {
    {
        sed -E -e "s/^$column$column$column$column//" -e "\\#$left_out#d" -e "\\#^($in_library)/#d" "$work/files"
        linked=$(printf '%s' "$links$binaries" | cut -f 1)
        printf '%s\n' "$linked"
        with_words "$NL" "$linked" readlink -f --
        cat "$work/targets" "$work/publics" "$work/plugins" "$work/plugin-folders"
        [ ! -e "$work/search" ] || cut -f 2- "$work/search" | tr : "$NL" | sed 's|$|/python3|'
        [ -z "$baseline" ] || printf '%s\n' "$state/baseline"
    } | sort -u >"$work/watch"
}

# The folders above the packages' files, which are no files of these packages themselves, and rpm.
write_ways() {
    {
        printf '/\n/usr/bin/rpm\n'
        sed -n -E -e '\#^/(usr|etc)/#!d' -e "\\#$left_out#d" -e 's|/[^/]*$||p' "$work/owned" | uniq |
            sed -n ':above
                /./{
                    p
                    s|/[^/]*$||
                    b above
                }'
    } | sort -u | comm -23 - "$work/owned" >"$work/ways"
    mv -f "$work/ways" "$state/ways"
}

# others_change "UID MODE": they can write what stat says that of; a link is its folder's business.
others_change() {
    case $1 in
    '0 l'* | '0 '?????[!w]??[!w]?) return 1 ;;
    esac
}

judge_ways() {
    open_way=''
    state_of_ways >"$work/found-ways" 2>/dev/null
    while read -r owner mode path; do
        json_text "$path"
        if others_change "$owner $mode"; then
            is_accepted SP215 "$path" || open_way=$path
            found SP215 "$path" "others than root may change $json"
        elif is_in "$path" "$NL$passable"; then
            case $mode in
            dr?[xs]r?[xs]r?[xt]) ;;
            *) found SP216 "$path" "ordinary users cannot pass $json" ;;
            esac
        fi
    done <"$work/found-ways"
}
