# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # variables of other parts

# --- one check -------------------------------------------------------------------------------------------------------

judge() {
    printf . >"$work/began"
    : >"$work/findings"
    : >"$work/drift"
    : >"$work/targets"
    : >"$work/publics"
    : >"$work/governed"
    : >"$work/plugins"
    : >"$work/plugin-folders"
    unlinked=''
    if ! ask_rpm; then
        report_unreadable_database
        judge_links
        write_watch
        fingerprint_judged
        return 0
    fi
    # First what is to be watched, then its fingerprint, then the verdict: what changes after that is seen the next time.
    each_group note_group
    read_settings
    list_search_paths
    list_variables
    list_preloaded
    list_libraries
    list_plugins
    write_watch
    mv -f "$work/watch" "$state/watch"
    write_ways
    fingerprint_judged
    verify || report_unreadable_database
    find_unlinked
    judge_links
    judge_binaries
    judge_files
    list_unknown
    list_traces
    if drop_owned; then
        judge_unknown
        judge_traces
    else
        report_unreadable_database
    fi
    judge_astray
    each_group judge_group
    judge_unfinished
    judge_search_paths
    judge_variables
    foreign='' obeyed='' plugin=''
    # These ask rpm, and would take no answer for one.
    if [ "$status" != unchecked ] && vouch; then
        judge_preload
        judge_rpm_settings
        judge_libraries
        judge_plugins
    fi
    judge_ways
    judge_selinux
    judge_packages
    judge_manager
    judge_baseline
}

postpone() {
    since=$seconds
    [ ! -f "$state/postponed" ] || read -r since <"$state/postponed" || since=$seconds
    case $since in
    '' | *[!0-9]*) since=$seconds ;;
    esac
    # A lock that is held for ever would keep the guard blind.
    [ $((seconds - since)) -lt "$postpone_limit" ] && [ "$since" -le "$seconds" ] || return 1
    printf '%s\n' "$since" >"$state/postponed"
    status=postponed
    write_state
    exit 3
}

# Waits until no packages are being installed; a wait that was too long, too often, is given up.
begin() {
    wait_for_transaction || postpone || :
    take_time
    status=fine
}

check() {
    status=fine last_full=0 saved='' saved_version='' last_moment=''
    if [ -f "$state/last" ]; then
        read -r saved last_full saved_version last_moment <"$state/last" || last_full=0
    fi
    case $last_full in
    '' | *[!0-9]*) last_moment='' ;;
    esac
    [ -n "$last_moment" ] || { last_full=0 saved='' && last_moment=1970-01-01T00:00:00Z; }
    if [ "$1" = check ] && [ "$saved_version" = "$VERSION" ] && [ $((seconds - last_full)) -lt "$full_every" ] &&
        [ "$last_full" -le "$seconds" ] && was_judged && fingerprint && [ "$print" = "$saved" ]; then
        [ ! -s "$state/findings" ] || status=findings
        write_state
        [ ! -e "$state/postponed" ] || rm -f "$state/postponed"
    else
        make_work
        begin
        stamp=$(database_stamp)
        judge
        # Packages were installed while it looked: what it saw may be half of one and half of the other.
        if transaction_runs || [ "$(database_stamp)" != "$stamp" ]; then
            begin
            judge
        fi
        [ "$status" = unchecked ] || [ ! -s "$work/findings" ] || status=findings
        last_full=$seconds last_moment=$now
        # What could not be judged is not gone.
        [ "$status" != unchecked ] || [ ! -f "$state/findings" ] || grep -v '^{"id":"SP302"' "$state/findings" >>"$work/findings"
        require_room
        tell
        printf '%s %s %s %s\n' "$print" "$last_full" "$VERSION" "$last_moment" >"$work/last"
        publish "$work/last" "$state/last"
        [ ! -e "$state/postponed" ] || rm -f "$state/postponed"
        write_state
    fi
    case $status in
    fine) exit 0 ;;
    findings) exit 1 ;;
    *) exit 2 ;;
    esac
}

# What kept it from judging, as a lack of memory, may be over without a trace.
was_judged() {
    [ -f "$state/findings" ] || return 1
    [ ! -s "$state/findings" ] || ! grep -q '^{"id":"SP302"' "$state/findings"
}

database_stamp() {
    stat -L -c '%n %s %Y %Z' /var/lib/rpm/rpmdb.sqlite /var/lib/rpm/Packages /var/lib/rpm/Packages.db \
        /usr/lib/sysimage/rpm/rpmdb.sqlite /usr/lib/sysimage/rpm/Packages /usr/lib/sysimage/rpm/Packages.db
}

prepare() {
    { [ -r /proc/self/status ] && is_of_root self; } || die "only root can check this host"
    [ -d "$state" ] || mkdir -p "$state" || die "$state cannot be made"
    work='' draft=$state/state.$$
    trap 'clean_up' EXIT
    trap 'exit 2' HUP INT TERM
    IFS= read -r host </proc/sys/kernel/hostname || host=$(uname -n)
    json_text "$host"
    host=$json
    take_time
}

make_work() {
    work=$(mktemp -d "$state/work.XXXXXX") || die "nothing can be written to $state"
}

clean_up() {
    [ -z "$work" ] || rm -rf "$work"
    [ ! -e "$draft" ] || rm -f "$draft"
}

main() {
    config=/etc/fleet.system_python/guard.conf
    if [ "${1-}" = -c ]; then
        config=${2:?guard: -c needs a file}
        shift 2
    fi
    command=${1:-check}
    case $command in
    version) echo "$VERSION" && exit 0 ;;
    check | full | baseline | compare) ;;
    *) die "unknown command $command: check, full, baseline, compare or version" ;;
    esac
    load_config
    prepare
    case $command in
    check | full) check "$command" ;;
    compare) compare ;;
    baseline)
        make_work
        ask_rpm || die "the package database cannot be read"
        print_baseline
        ;;
    esac
}

main "$@"
