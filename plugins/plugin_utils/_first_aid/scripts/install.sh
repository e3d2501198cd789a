# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

# PRIVATE to the collection. Looks at what an installation would do, then does it, in two scripts: `prepare` only reads,
# `carry_out` changes the host under the lock. Needs stage.sh before it.
# Settings: reinstalled (packages that the database knows), files (their package files), allowed (options of rpm),
# installer (install_files, or place_files of borrow.sh). The file in-the-way of the staging folder has the paths that no
# package owns and that must go, one a line, and ways the folders that others than root may change.
# shellcheck disable=SC2154  # set by the controller, or by the scripts before

# What rpm finds altered, as one text; the controller planned for exactly this.
current_state() {
    # shellcheck disable=SC2086  # one package a word
    [ -z "$reinstalled" ] || verify $reinstalled
}

prepare() {
    state=$(current_state)
    section "state $(digest_of_text "$state")"
    read_layout
    report_ways
    report_room
    report_obstacles
    report_blocked
    report_overwritten
    [ -z "$files" ] || report_test
}

# Sets `layout`: decimal mode, flags, state and path of every file of the packages.
read_layout() {
    layout=''
    # shellcheck disable=SC2086  # one package a word
    [ -z "$reinstalled" ] ||
        layout=$(ask 60 -q --qf '[%{FILEMODES} %{FILEFLAGS} %{FILESTATES} %{FILENAMES}\n]' -- $reinstalled)
}

layout_paths() {
    [ -z "$layout" ] || printf '%s\n' "$layout" | cut -d ' ' -f 4-
}

# Mode, owner, group and files of the packages that own a folder.
way_query='[%{FILEMODES}\t%{FILEUSERNAME}\t%{FILEGROUPNAME}\t%{FILENAMES}\n]'

# Writes down how rpm has the folders that are to be closed.
report_ways() {
    rm -f -- "$staging/ways.recorded"
    [ -f "$staging/ways" ] || return 0
    while IFS= read -r folder; do
        record=$(ask 60 -qf --qf "$way_query" -- "$folder" 2>/dev/null |
            grep -E "^[0-9]+${TAB}[^$TAB]+${TAB}[^$TAB]+$TAB$folder\$" | head -n 1)
        if [ -n "$record" ]; then
            printf '%o\t%s\n' $((${record%%"$TAB"*} & 4095)) "${record#*"$TAB"}" >>"$staging/ways.recorded"
        else
            case $folder in
            # The same as in the rule about the way (_audit/ways.py).
            / | /etc | /usr | /usr/bin | /usr/lib | /usr/lib64 | /usr/libexec | /usr/sbin | /usr/share)
                printf '755\troot\troot\t%s\n' "$folder" >>"$staging/ways.recorded"
                ;;
            *) answer unrecorded "$folder" ;;
            esac
        fi
    done <"$staging/ways"
}

# From the top: nobody can exchange any more what comes after.
close_ways() {
    [ -f "$staging/ways.recorded" ] || return 0
    while IFS=$TAB read -r mode owner group folder; do
        was=$(stat -c '%a %U:%G' -- "$folder")
        if ! failure=$({ chown -- "$owner:$group" "$folder" && chmod -- "$mode" "$folder"; } 2>&1); then
            answer not-closed "$folder: $failure"
            return 1
        fi
        answer closed "$folder: mode and owner were $was, and are $mode $owner:$group"
    done <"$staging/ways.recorded"
}

# What rpm could not replace, or we not move, before anything is changed: immutable, append-only, mounted over.
report_obstacles() {
    paths=$(changed_paths)
    folders=$(printf '%s\n' "$paths" | sed 's|/[^/]*$||' | sort -u)
    split_lines
    for path in $paths $folders; do
        [ -L "$path" ] || [ ! -e "$path" ] || [ -w "$path" ] || {
            ! is_read_only "$path" || { answer read-only "$path" && break; }
            obstacle immutable "$path"
        }
    done
    if [ -x /usr/bin/lsattr ] && [ -z "$(verify_files /usr/bin/lsattr 2>&1)" ]; then
        # shellcheck disable=SC2086  # one path a line
        for line in $(lsattr -d -- $paths $folders 2>/dev/null | grep '^[^ ]*a[^ ]* '); do
            obstacle append-only "${line#* }"
        done
    fi
    for path in $({ printf '%s\n' "$paths" | sort -u && mount_points; } | sort | uniq -d); do
        obstacle 'something is mounted over it' "$path"
    done
    split_words
}

# obstacle REASON PATH
obstacle() {
    answer obstacle "$2$TAB$1"
}

# Files of the packages but configuration and ghosts, what is in the way, and where evidence is kept.
changed_paths() {
    split_lines
    for line in $layout; do
        flags=${line#* }
        [ $((${line%% *} >> 12 & 15)) -eq 4 ] || [ $((${flags%% *} & 65)) -ne 0 ] || printf '/%s\n' "${line#*" /"}"
    done
    [ ! -f "$staging/in-the-way" ] || cat "$staging/in-the-way"
    [ ! -f "$staging/ways" ] || cat "$staging/ways"
    kept=$quarantine/run
    while [ -n "$kept" ] && [ ! -e "${kept%/*}" ]; do kept=${kept%/*}; done
    printf '%s\n' "$kept"
}

mount_points() {
    cut -d ' ' -f 5 /proc/self/mountinfo | sed 's/\\040/ /g' | sort -u
}

is_laid_out() {
    case "$NL$layout$NL" in
    *" $1$NL"*) return 0 ;;
    esac
    return 1
}

# A directory where rpm wants a file, or anything else where it wants a directory: rpm would break off, or write elsewhere.
report_blocked() {
    printf '%s\n' "$layout" | while read -r mode flags recorded path; do
        [ -n "$path" ] && [ $((${flags:-0} & 64)) -eq 0 ] || continue
        case $((mode >> 12 & 15)) in
        4) if [ -d "$path" ]; then leads_astray "$path"; else exists "$path"; fi || continue ;;
        *) [ -d "$path" ] && [ ! -L "$path" ] || continue ;;
        esac
        report_moved "$path" || describe blocked "$path"
    done
    [ -f "$staging/in-the-way" ] || return 0
    while IFS= read -r path; do
        describe blocked "$path"
    done <"$staging/in-the-way"
}

# report_moved FOLDER: it is a link of somebody, and behind it is what the packages do not have: a new folder would lack that.
report_moved() {
    [ -L "$1" ] && [ -d "$1" ] && [ "$(stat -c %u -- "$1")" -ne 0 ] || return 1
    others=$({
        layout_paths
        layout_paths
        find "$1/" -mindepth 1 -name __pycache__ -prune -o -print
    } | sort | uniq -u | grep -F -e "$1/" | head -n 20)
    [ -n "$others" ] || return 1
    answer moved-folder "$1$NL$(readlink -f -- "$1")$NL$others"
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
        case $path in
        # A name may end like rpm's note.
        *' (replaced)') is_laid_out "$path" || path=${path% (replaced)} ;;
        esac
        [ -d "$path" ] && [ ! -L "$path" ] || ! exists "$path" || describe overwritten "$path"
    done
}

# describe SECTION PATH: what the quarantine's manifest wants to know.
describe() {
    answer "$1 $(stat -c '%f %u %g %s %Y' -- "$2")" "$2"
    if [ -L "$2" ]; then
        section link
        readlink -n -- "$2"
    elif [ -f "$2" ]; then
        section "sha256 $(digest_of_file "$2")"
    fi
}

report_room() {
    section room
    for folder in /usr /var/lib "$staging"; do
        df -Pk "$folder" | tail -n 1
    done
    for folder in /usr/bin /usr/lib64 /usr/lib "$database" /var/lib /run/lock; do
        [ ! -d "$folder" ] || [ -w "$folder" ] || ! is_read_only "$folder" || answer read-only "$folder"
    done
}

# Sets `obeyed`, the macros that a transaction reads: none that no package vouches for, as in vouched_settings.py. Fails for
# what cannot be left out.
find_obeyed() {
    obeyed='/usr/lib/rpm/macros:/usr/lib/rpm/platform/%{_target}/macros'
    settings=$(rpm_settings)
    [ -n "$settings" ] || return 0
    vouched=$NL$(vouched_settings)$NL
    split_lines
    for path in $settings; do
        case $path in
        *.lua | *.so)
            case $vouched in
            *"$NL$path$NL"*) ;;
            *) split_words && printf '%s\n' "rpm would run or load $path, which no package vouches for" >&2 && return 1 ;;
            esac
            ;;
        *rpmrc | /usr/lib/rpm/platform/* | *[!A-Za-z0-9_./+-]*) ;;
        *)
            case $vouched in
            *"$NL$path$NL"*) obeyed=$obeyed:$path ;;
            esac
            ;;
        esac
    done
    split_words
}

# is_read_only FOLDER: by its mount; an immutable one cannot be written either.
is_read_only() {
    mount=$(df -P -- "$1" | sed -n '2s/^.*% *//p')
    case $(grep -F " $mount " /proc/self/mounts | tail -n 1) in
    *" $mount "*' ro,'* | *" $mount "*' ro '*) return 0 ;;
    esac
    return 1
}

# Nothing but packages that are installed is installed again, so nobody's dependencies change, and nothing is obsoleted:
# what another package took of them is their own in the database, and another release of them stays recorded.
reinstall() {
    # Documentation that was left out stays out.
    case $(printf '%s\n' "$layout" | while read -r mode flags recorded path; do
        [ $((${flags:-0} & 2)) -eq 0 ] || printf ' %s ' "$recorded"
    done) in
    *' 2 '*) set -- --excludedocs "$@" ;;
    esac
    find_obeyed || return 1
    # shellcheck disable=SC2086  # one file a word
    limited "$install_timeout" rpm --rcfile /usr/lib/rpm/rpmrc --macros "$obeyed" --dbpath "$database" \
        --reinstall --nodeps --oldpackage --replacefiles "$@" $allowed -- $files 9>&-
}

report_test() {
    explained reinstall --test
    answer "test $status" "$output"
}

# carry_out: everything that changes the host. Interrupted anywhere, a second run finishes it.
carry_out() {
    trap '' HUP PIPE
    take_lock || return 0
    state=$(current_state)
    if [ "$(digest_of_text "$state")" != "$expected_state" ]; then
        section changed-meanwhile
        return 0
    fi
    close_ways || return 0
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
        open_lock || { answer unsafe-lock "$lock_path" && return 1; }
        flock -w "$lock_timeout" 9 || { report_holder "$lock_path" && return 1; }
        # Not by its name, which may be somebody else's file by then.
        trap ': >"/proc/$$/fd/9"' EXIT
        : >"/proc/$$/fd/9"
        note_holder >&9
        return 0
    fi
    waited=0
    until mkdir "$lock_path.d" 2>/dev/null; do
        waited=$((waited + 1))
        [ "$waited" -le "$lock_timeout" ] || { report_holder "$lock_path.d/holder" && return 1; }
        sleep 1
    done
    trap 'rm -rf -- "$lock_path.d"' EXIT
    (set -C && note_holder >"$lock_path.d/holder")
}

# open_lock: as 9, for appending, so that the holder's note stays readable for those who wait. What is open must be a file
# of root's own that has this one name: others may write the folder on some systems.
open_lock() {
    [ -e "$lock_path" ] || (umask 077 && set -C && : >"$lock_path") 2>/dev/null
    [ -f "$lock_path" ] && [ ! -L "$lock_path" ] && [ -w "$lock_path" ] || return 1
    exec 9>>"$lock_path"
    case $(stat -L -c '%F %u %h' -- "/proc/$$/fd/9") in
    'regular file 0 1' | 'regular empty file 0 1') ;;
    *) return 1 ;;
    esac
    [ "$lock_path" -ef "/proc/$$/fd/9" ] && [ ! -L "$lock_path" ]
}

note_holder() {
    printf '%s\n' "$lock_note" | sed "s/@PID@/$$/"
}

report_holder() {
    section locked
    [ ! -f "$1" ] || head -c 4096 -- "$1"
}

# keep_evidence: copies what will be overwritten or is in the way, and then moves the latter. Each step is on the disk before
# the next one, so that no loss of power leaves neither the thing nor its copy; the manifest before and after the moves.
keep_evidence() {
    run_folder=$quarantine/$run_id
    : >"$manifest.taken"
    if ! failure=$( (umask 077 && mkdir -p "$quarantine" && mkdir "$run_folder" "$run_folder/items" &&
        write_manifest intended && copy_items && on_disk "$run_folder" && take_items && on_disk "$(item_folders)" &&
        write_manifest "done") 2>&1); then
        if put_back_moved && on_disk "$(item_folders)"; then
            rm -rf -- "$run_folder"
        else
            failure="$failure. What was moved is in $run_folder, because it cannot be put back"
        fi
        answer not-kept "$failure"
        return 1
    fi
    section "quarantine $run_folder"
}

write_manifest() {
    cp -- "$manifest.$1" "$run_folder/manifest.json.new" && chmod 0600 "$run_folder/manifest.json.new" &&
        sync "$run_folder/manifest.json.new" && mv -f -- "$run_folder/manifest.json.new" "$run_folder/manifest.json" &&
        sync "$run_folder"
}

# One line an item: keep or take, number, path.
copy_items() {
    while IFS=$TAB read -r action number path; do
        item=$run_folder/items/$number
        cp -a -T -- "$path" "$item.new" && mv -T -- "$item.new" "$item" || return 1
    done <"$manifest.items"
}

take_items() {
    while IFS=$TAB read -r action number path; do
        [ "$action" = keep ] || take_away || return 1
    done <"$manifest.items"
}

item_folders() {
    cut -f 3 "$manifest.items" | sed 's|/[^/]*$|/|' | sort -u
}

# The copy is on the disk, so the original may go, by renaming. Where a link belongs, it is there again at once.
take_away() {
    hidden=${path%/*}/.fleet-system-python
    target=$(expected_target)
    if [ -n "$target" ]; then
        ln -s -- "$target" "$hidden-new-$number" || return 1
    fi
    mv -T -- "$path" "$hidden-aside-$number" || return 1
    printf '%s\n' "$number" >>"$manifest.taken"
    [ -z "$target" ] || mv -T -- "$hidden-new-$number" "$path" || return 1
    rm -rf -- "$hidden-aside-$number"
}

expected_target() {
    # shellcheck disable=SC2086  # one package a word
    [ -z "$reinstalled" ] || ask 60 -q --qf '[%{FILELINKTOS}\t%{FILENAMES}\n]' -- $reinstalled |
        while IFS=$TAB read -r target name; do
            [ "$name" != "$path" ] || [ -z "$target" ] || { printf '%s' "$target" && break; }
        done
}

# put_back_moved: what was taken away, beside what is there now and then in its place. Fails where that was not possible.
put_back_moved() {
    unmoved=0
    while IFS=$TAB read -r action number path; do
        grep -q -x -F -e "$number" "$manifest.taken" || continue
        if exists "$path" && [ ! -L "$path" ]; then continue; fi
        hidden=${path%/*}/.fleet-system-python-new-$number
        rm -rf -- "$hidden"
        cp -a -T -- "$run_folder/items/$number" "$hidden" && { [ ! -d "$hidden" ] || [ ! -L "$path" ] || rm -f -- "$path"; } &&
            mv -f -T -- "$hidden" "$path" || unmoved=1
    done <"$manifest.items"
    return "$unmoved"
}

install_files() {
    [ -n "$files" ] || return 0
    explained reinstall
    answer "installed $status" "$output"
    on_disk "/usr$NL$database"
    [ "$status" -eq 0 ]
}

# A transaction that was killed leaves its temporary files: the name, a semicolon, eight digits.
remove_half_written() {
    layout_paths | sed 's|/[^/]*$||' | sort -u | while IFS= read -r folder; do
        for file in "$folder"/*';'[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]; do
            exists "$file" || continue
            case "$NL$layout$NL" in
            *" ${file%;*}$NL"*) rm -f -- "$file" && answer half-written "$file" ;;
            esac
        done
        # Of a run that was killed while it put single files in place.
        [ ! -d "$folder/.fleet-system-python-new" ] || rm -rf -- "$folder/.fleet-system-python-new"
    done
}

# rpm labels what it writes only where its SELinux plugin is installed.
relabel() {
    command -v selinuxenabled >/dev/null && selinuxenabled && command -v restorecon >/dev/null || return 0
    layout_paths | restorecon -F -f -
}

# list_triggers QUERY: the scripts that packages have for when others, or their files, are installed.
list_triggers() {
    answer triggers "$(ask 60 -qa --qf "$1")"
}

# install_named PACKAGE: what the operator asked for by name, where no installed version can be used.
install_named() {
    take_lock || return 0
    if may_run_zypper; then
        captured limited "$manager_timeout" zypper --non-interactive install --no-recommends -- "$1" 9>&-
        report_named zypper "$1"
    elif may_run_microdnf; then
        captured limited "$manager_timeout" microdnf -y install --setopt=install_weak_deps=0 -- "$1" 9>&-
        report_named microdnf "$1"
    fi
}

report_named() {
    if ask 60 -q --whatprovides -- "$2" >/dev/null 2>&1; then
        section "installed-by $1"
    else
        unusable "$1" "$(how_it_ended)"
    fi
}

# report_environment: the files of Berkeley DB's shared memory, for the manifest.
report_environment() {
    for path in "$database"/__db.*; do
        [ ! -f "$path" ] || [ -L "$path" ] || describe blocked "$path"
    done
}

# settle_database: moves the shared memory of Berkeley DB aside, as a killed process left it; rpm makes it anew. Only where
# it is as it was described, and nobody uses the database. rpm is not asked again, because each question writes into it.
settle_database() {
    take_lock || return 0
    printf '%s' "$described" | sha256sum --status -c - || return 0
    ! is_database_used || { answer in-use "$database" && return 0; }
    folder=$(mktemp -d) && manifest=$folder/manifest || return 0
    printf '%s' "$manifest_intended" >"$manifest.intended"
    printf '%s' "$manifest_done" >"$manifest.done"
    printf '%s' "$manifest_items" >"$manifest.items"
    keep_evidence
    rm -rf -- "$folder"
}

# Somebody has a file of it open, mapped into memory or locked; what cannot be looked at may be.
is_database_used() {
    [ -r /proc/self/maps ] && [ -r /proc/locks ] || return 0
    real=$(readlink -f -- "$database")
    # shellcheck disable=SC2010  # only whether there is such a line matters
    ! ls -l /proc/[0-9]*/fd 2>/dev/null | grep -q -F -e " -> $real/" || return 0
    ! grep -q -s -F -e " $real/" /proc/[0-9]*/maps || return 0
    inodes=$(find "$real/" -type f -exec stat -c ':%i ' -- {} +)
    grep -q -F -e "$inodes" /proc/locks
}
