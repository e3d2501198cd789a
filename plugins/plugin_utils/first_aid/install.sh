# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

# PRIVATE to the collection. Looks at what an installation would do, then does it, in two scripts: `prepare` only reads,
# `carry_out` changes the host under the lock. Needs stage.sh before it.
# Settings: reinstalled (packages that the database knows), files (their package files), allowed (options of rpm),
# installer (install_files, or place_files of borrow.sh). The file in-the-way of the staging folder has the paths that no
# package owns and that must go, one a line.
# shellcheck disable=SC2154  # set by the controller, or by the scripts before

# What rpm finds altered, as one text; the controller planned for exactly this.
current_state() {
    # shellcheck disable=SC2086  # one package a word
    [ -z "$reinstalled" ] || limited 300 rpm -V --nodeps --noscripts $reinstalled 2>&1
}

prepare() {
    state=$(current_state)
    section "state $(printf '%s' "$state" | sha256sum | cut -d ' ' -f 1)"
    read_layout
    report_blocked
    report_overwritten
    report_room
    [ -z "$files" ] || report_test
}

# Sets `layout`: decimal mode, flags, state and path of every file of the packages.
read_layout() {
    layout=''
    # shellcheck disable=SC2086  # one package a word
    [ -z "$reinstalled" ] ||
        layout=$(rpm -q --qf '[%{FILEMODES} %{FILEFLAGS} %{FILESTATES} %{FILENAMES}\n]' $reinstalled </dev/null)
}

# A directory where rpm wants a file, or anything else where it wants a directory: rpm would break off, or write elsewhere.
report_blocked() {
    printf '%s\n' "$layout" | while read -r mode flags recorded path; do
        [ -n "$path" ] && [ $((${flags:-0} & 64)) -eq 0 ] || continue
        case $((mode >> 12 & 15)) in
        4) if [ -d "$path" ]; then leads_astray "$path"; else [ -e "$path" ] || [ -L "$path" ]; fi || continue ;;
        *) [ -d "$path" ] && [ ! -L "$path" ] || continue ;;
        esac
        describe blocked "$path"
    done
    [ -f "$staging/in-the-way" ] || return 0
    while IFS= read -r path; do
        describe blocked "$path"
    done <"$staging/in-the-way"
}

# What rpm is about to overwrite and what is not what the package put there: evidence.
report_overwritten() {
    printf '%s\n' "$state" | while IFS= read -r line; do
        case $line in
        S???????? | ??5* | ????L* | S*) ;;
        *) continue ;;
        esac
        case $line in
        *' c /'* | *' d /'* | *' g /'* | *' l /'* | *' r /'* | missing*) continue ;;
        esac
        path=/${line#*" /"}
        path=${path%' (replaced)'}
        [ -d "$path" ] && [ ! -L "$path" ] || [ ! -e "$path" ] && [ ! -L "$path" ] || describe overwritten "$path"
    done
}

# describe SECTION PATH: what the quarantine's manifest wants to know.
describe() {
    section "$1 $(stat -c '%f %u %g %s %Y' -- "$2")"
    printf '%s\n' "$2"
    if [ -L "$2" ]; then
        section link
        readlink -n -- "$2"
    elif [ -f "$2" ]; then
        section "sha256 $(sha256sum <"$2" | cut -d ' ' -f 1)"
    fi
}

report_room() {
    section room
    for folder in /usr /var/lib "$staging"; do
        df -Pk "$folder" | tail -n 1
    done
    database=$(rpm --eval '%{_dbpath}')
    for folder in /usr/bin /usr/lib64 /usr/lib "$database" /var/lib /run/lock; do
        [ ! -d "$folder" ] || [ -w "$folder" ] || { section read-only && printf '%s\n' "$folder"; }
    done
}

# Nothing but packages that are installed is installed again, so nobody's dependencies change, and nothing is obsoleted.
reinstall() {
    # Documentation that was left out stays out.
    case $(printf '%s\n' "$layout" | while read -r mode flags recorded path; do
        [ $((${flags:-0} & 2)) -eq 0 ] || printf ' %s ' "$recorded"
    done) in
    *' 2 '*) set -- --excludedocs "$@" ;;
    esac
    # shellcheck disable=SC2086  # one file a word
    limited "$install_timeout" rpm --reinstall --nodeps "$@" $allowed $files 9>&-
}

report_test() {
    captured reinstall --test
    section "test $status"
    printf '%s\n' "$output"
}

# carry_out: everything that changes the host. Interrupted anywhere, a second run finishes it.
carry_out() {
    trap '' HUP PIPE
    take_lock || return 0
    state=$(current_state)
    if [ "$(printf '%s' "$state" | sha256sum | cut -d ' ' -f 1)" != "$expected_state" ]; then
        section changed-meanwhile
        return 0
    fi
    [ -z "$manifest" ] || keep_evidence || return 0
    read_layout
    "$installer" || { [ -z "$manifest" ] || put_back_moved; }
    remove_half_written
    relabel
}

# The same lock as the modules take. Where flock is missing, a folder does it.
take_lock() {
    mkdir -p "${lock_path%/*}" 2>/dev/null
    if command -v flock >/dev/null; then
        if [ -L "$lock_path" ] || ! (umask 077 && : >>"$lock_path") 2>/dev/null; then
            section read-only
            printf '%s\n' "$lock_path"
            return 1
        fi
        # Opened for appending: the holder's note in it stays readable for those who wait.
        exec 9>>"$lock_path"
        flock -w "$lock_timeout" 9 || { report_holder "$lock_path" && return 1; }
        trap ': >"$lock_path"' EXIT
        printf '%s\n' "$lock_note" | sed "s/@PID@/$$/" >"$lock_path"
        return 0
    fi
    waited=0
    until mkdir "$lock_path.d" 2>/dev/null; do
        waited=$((waited + 1))
        [ "$waited" -le "$lock_timeout" ] || { report_holder "$lock_path.d/holder" && return 1; }
        sleep 1
    done
    trap 'rm -rf "$lock_path.d"' EXIT
    printf '%s\n' "$lock_note" | sed "s/@PID@/$$/" >"$lock_path.d/holder"
}

report_holder() {
    section locked
    cat "$1" 2>/dev/null
}

# keep_evidence: copies what will be overwritten, moves what is in the way. The manifest is on the disk before and after.
keep_evidence() {
    run_folder=$quarantine/$run_id
    if ! failure=$( (umask 077 && mkdir -p "$quarantine" && mkdir "$run_folder" "$run_folder/items" &&
        write_manifest intended && keep_items && write_manifest "done") 2>&1); then
        put_back_moved
        rm -rf -- "$run_folder"
        section not-kept
        printf '%s\n' "$failure"
        return 1
    fi
    section "quarantine $run_folder"
}

write_manifest() {
    cp -- "$manifest.$1" "$run_folder/manifest.json.new" && chmod 0600 "$run_folder/manifest.json.new" &&
        sync "$run_folder/manifest.json.new" && mv -f -- "$run_folder/manifest.json.new" "$run_folder/manifest.json"
}

# One line an item: keep or take, number, path.
keep_items() {
    while IFS=$TAB read -r action number path; do
        item=$run_folder/items/$number
        cp -a -T -- "$path" "$item.new" && mv -T -- "$item.new" "$item" || return 1
        [ "$action" = keep ] || take_away || return 1
    done <"$manifest.items"
    sync
}

# The copy is complete, so the original may go, by renaming. Where a link belongs, it is there again at once.
take_away() {
    hidden=${path%/*}/.fleet-system-python
    target=$(expected_target)
    if [ -n "$target" ]; then
        ln -s -- "$target" "$hidden-new-$number" || return 1
    fi
    mv -T -- "$path" "$hidden-aside-$number" || return 1
    [ -z "$target" ] || mv -T -- "$hidden-new-$number" "$path" || return 1
    rm -rf -- "$hidden-aside-$number"
}

expected_target() {
    # shellcheck disable=SC2086  # one package a word
    [ -z "$reinstalled" ] || rpm -q --qf '[%{FILELINKTOS}\t%{FILENAMES}\n]' $reinstalled </dev/null |
        while IFS=$TAB read -r target name; do
            [ "$name" != "$path" ] || [ -z "$target" ] || { printf '%s' "$target" && break; }
        done
}

put_back_moved() {
    while IFS=$TAB read -r action number path; do
        [ "$action" = take ] && [ -e "$run_folder/items/$number" ] || continue
        [ ! -L "$path" ] || rm -f -- "$path"
        [ -e "$path" ] || cp -a -T -- "$run_folder/items/$number" "$path"
    done <"$manifest.items"
}

install_files() {
    [ -n "$files" ] || return 0
    captured reinstall
    section "installed $status"
    printf '%s\n' "$output"
    [ "$status" -eq 0 ]
}

# A transaction that was killed leaves its temporary files: the name, a semicolon, eight digits.
remove_half_written() {
    printf '%s\n' "$layout" | while read -r mode flags recorded path; do
        [ -n "$path" ] || continue
        printf '%s\n' "${path%/*}"
    done | sort -u | while IFS= read -r folder; do
        for file in "$folder"/*';'[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]; do
            [ -e "$file" ] || [ -L "$file" ] || continue
            case "$NL$layout$NL" in
            *" ${file%;*}$NL"*) rm -f -- "$file" && section half-written && printf '%s\n' "$file" ;;
            esac
        done
    done
}

# rpm labels what it writes only where its SELinux plugin is installed.
relabel() {
    command -v selinuxenabled >/dev/null && selinuxenabled && command -v restorecon >/dev/null || return 0
    printf '%s\n' "$layout" | while read -r mode flags recorded path; do
        [ -z "$path" ] || printf '%s\n' "$path"
    done | restorecon -F -f - 2>&1
}

# install_named PACKAGE: what the operator asked for by name, where no installed version can be used.
install_named() {
    take_lock || return 0
    if vouched /usr/bin/zypper zypper; then
        plugin=$(python_plugin) && unusable zypper "not started, its plugin $plugin runs Python, which is not verified" && return 0
        captured limited "$manager_timeout" zypper --non-interactive install --no-recommends -- "$1" 9>&-
        report_named zypper "$1"
    elif vouched /usr/bin/microdnf microdnf; then
        captured limited "$manager_timeout" microdnf -y install --setopt=install_weak_deps=0 "$1" 9>&-
        report_named microdnf "$1"
    fi
}

report_named() {
    if rpm -q --whatprovides "$2" >/dev/null 2>&1 </dev/null; then
        section "installed-by $1"
    else
        unusable "$1" "exit code $status, the output ends with: $(printf '%s\n' "$output" | tail -c 600)"
    fi
}
