#!/bin/sh
# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Watches the system's Python between two runs of Ansible; docs/guard.md describes it. Read only, but for its own state.
# Needs a POSIX shell, coreutils, grep, sed and rpm. Usage: guard [-c FILE] [check | full | baseline | compare | version]
#   check     looks whether anything changed, and judges the host if so or if it is time to
#   full      judges the host in any case
#   baseline  prints what the host looks like, in a form that does not depend on when or where
#   compare   prints how the host differs from the recorded baseline
# Exit codes: 0 as shipped, 1 there are findings (compare: differences), 2 it could not be checked, 3 postponed, because
# packages are being installed. What changed since the last time is printed, one JSON object a line.

set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
LANGUAGE=C
export PATH LC_ALL LANGUAGE
unset CDPATH ENV BASH_ENV GREP_OPTIONS TIME_STYLE LS_COLORS
unalias -a
umask 077
NL='
'
TAB='	'
IFS=" $TAB$NL"
VERSION=1

die() {
    printf 'guard: %s\n' "$*" >&2
    exit 2
}

# --- the configuration -----------------------------------------------------------------------------------------------

# Data, never executed: KEY and tab-separated values a line. Lists become variables with a line per entry.
load_config() {
    schema='' contract='' state='' full_every=21600 wait_seconds=120 postpone_limit=3600 metrics='' baseline=''
    required='' packages='' links='' binaries='' twins='' libraries='' selinux='' unversioned='' unversioned_policy=''
    unversioned_target='' manager='' manager_packages='' manager_interpreter='' groups='' admin_folders='' entries=''
    command_name='' variable_files='' path_files='' watched='' notify='' rules=''
    [ -r "$config" ] || die "there is no readable configuration $config; the role python_guard writes it"
    while IFS=$TAB read -r key one two three; do
        case $key in
        '' | '#'*) ;;
        schema) schema=$one ;;
        contract) contract=$one ;;
        state) state=$one ;;
        full_every) full_every=$one ;;
        wait_seconds) wait_seconds=$one ;;
        postpone_limit) postpone_limit=$one ;;
        metrics) metrics=$one ;;
        baseline) baseline=$one ;;
        required) required="$required$one$NL" packages="$packages$one$NL" ;;
        optional) packages="$packages$one$NL" ;;
        command) command_name=$one ;;
        link) links="$links$one$TAB$two$TAB$three$NL" ;;
        binary) binaries="$binaries$one$TAB$two$NL" ;;
        twin) twins="$twins$one$TAB$two$NL" ;;
        library) libraries="$libraries$one$NL" ;;
        selinux) selinux=$one ;;
        unversioned) unversioned=$one unversioned_policy=$two unversioned_target=${three:-} ;;
        manager) manager=$one manager_interpreter=${two:-} ;;
        manager_package) manager_packages="$manager_packages$one$NL" ;;
        group) groups="$groups$one$NL" ;;
        admin_folder) admin_folders="$admin_folders$one$NL" ;;
        entries) entries=$one ;;
        variable_file) variable_files="$variable_files$one$NL" ;;
        path_file) path_files="$path_files$one$TAB$two$TAB$three$NL" ;;
        watch) watched="$watched$one$NL" ;;
        notify) notify="$notify$one$NL" ;;
        rule) rules="$rules$one $two $three$NL" ;;
        *) die "unknown key $key in $config" ;;
        esac
    done <"$config"
    [ "$schema" = 1 ] || die "$config has the schema '$schema'; this checker reads 1"
    [ -n "$state" ] || die "$config names no state folder"
}

# --- text for machines -----------------------------------------------------------------------------------------------

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

# found ID PATH SUMMARY [SEVERITY]: notes a finding. A summary may only contain what went through json_text.
found() {
    rule=${rules#*"$1 "}
    rule=${rule%%"$NL"*}
    json_text "$2"
    printf '{"id":"%s","name":"%s","severity":"%s","path":"%s","summary":"%s"}\n' \
        "$1" "${rule% *}" "${4:-${rule#* }}" "$json" "$3" >>"$work/findings"
}

moment() {
    date -u +%Y-%m-%dT%H:%M:%SZ
}

# What could not be written down would look like a host on which there is nothing to find.
require_room() {
    head -c 262144 /dev/urandom 2>/dev/null >"$work/room" || die "nothing was judged: the file system of $state is full"
    rm -f "$work/room"
}

# --- what changed ----------------------------------------------------------------------------------------------------

# Names, kinds, modes, owners, sizes, inodes and change times (which root cannot set) of all that decides the verdict.
fingerprint() {
    IFS=$NL
    # shellcheck disable=SC2086  # patterns and lists of one entry a line
    set -- "$config" "$0" $watched $variable_files
    for entry in $path_files; do
        # shellcheck disable=SC2086
        set -- "$@" ${entry##*"$TAB"}
    done
    set -f
    # shellcheck disable=SC2046
    [ ! -f "$state/watch" ] || set -- "$@" $(cat "$state/watch")
    {
        ls -lincd --full-time -- "$@"
        # shellcheck disable=SC2086
        ls -liAncR --full-time -- $libraries
    } 2>&1 | sha256sum | cut -c 1-64
    set +f
    IFS=" $TAB$NL"
}

# An rpm that installs holds a write lock on this file; the kernel says so. It says no file system, so everybody can
# lock a file of their own that has the same number: only a lock of root counts.
transaction_runs() {
    for lock in /var/lib/rpm/.rpm.lock /usr/lib/sysimage/rpm/.rpm.lock; do
        [ -e "$lock" ] || continue
        inode=$(stat -L -c %i "$lock") || continue
        grep "^[0-9]*: POSIX .*WRITE .*:$inode " /proc/locks >"$work/locks" || continue
        while read -r _number _kind _way _type holder _place; do
            ! is_of_root "$holder" || return 0
        done <"$work/locks"
    done
    return 1
}

# is_of_root PID. A process of another PID namespace cannot be seen from here, and may be root's.
is_of_root() {
    holder_uid=$(sed -n "s/^Uid:$TAB\\([0-9]*\\)$TAB.*/\\1/p" "/proc/$1/status" 2>/dev/null)
    [ "${holder_uid:-0}" -eq 0 ]
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

# --- what the package database says ----------------------------------------------------------------------------------

# $work/files: NAME, MODE, FLAGS, TARGET and PATH of every file of the installed packages, tab-separated.
ask_rpm() {
    installed=''
    : >"$work/files"
    : >"$work/owned"
    # In the place of a database that is gone rpm would make an empty one.
    [ -n "$(database_stamp)" ] || return 1
    IFS=$NL
    set -f
    # shellcheck disable=SC2086
    set -- $packages
    set +f
    IFS=" $TAB$NL"
    rpm -q --qf 'P\t%{NAME}\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}.%{ARCH}\n[F\t%{=NAME}\t%{FILEMODES:perms}\tf%{FILEFLAGS:fflags}\tt%{FILELINKTOS}\t%{FILENAMES}\n]' \
        "$@" </dev/null >"$work/query" 2>"$work/query-errors"
    # Its exit code is a number of packages, or tells that it was killed and did not say all.
    [ $? -lt 128 ] || return 1
    sed -n "s/^F$TAB//p" "$work/query" >"$work/files"
    cut -f 5- "$work/files" | sort -u >"$work/owned"
    installed=$(sed -n "s/^P$TAB\\([^$TAB]*\\)$TAB.*/\\1/p" "$work/query")
    ! grep -q '^error: ' "$work/query-errors" || return 1
    require_room
    # A damaged database may look like one without packages.
    [ -n "$installed" ] || [ -n "$(rpm -qa --qf x </dev/null 2>/dev/null | head -c 1)" ]
}

# record PATH: sets package, perms, flags and target of an owned path; fails for any other.
record() {
    line=$(grep -F -- "$TAB$1" "$work/files" | ending_in "$TAB$1")
    [ -n "$line" ] || return 1
    package=${line%%"$TAB"*} line=${line#*"$TAB"}
    perms=${line%%"$TAB"*} line=${line#*"$TAB"}
    flags=${line%%"$TAB"*} line=${line#*"$TAB"}
    target=${line%%"$TAB"*}
    flags=${flags#f} target=${target#t}
}

ending_in() {
    while IFS= read -r candidate; do
        case $candidate in
        *"$1") printf '%s\n' "$candidate" && return 0 ;;
        esac
    done
}

is_in() {
    case "$NL$2" in
    *"$NL$1$NL"*) return 0 ;;
    esac
    return 1
}

# What has to be watched beside the configured places: packaged files elsewhere, targets of links and alternatives, and
# the names that search paths could find.
write_watch() {
    {
        below=$(printf '%s' "$libraries" | sed 's/[.]/\\./g; s|^|^|; s|$|/|')
        cut -f 5- "$work/files" | grep -v -e '^/usr/share/doc/' -e '^/usr/share/licenses/' -e '^/usr/share/locale/' \
            -e '^/usr/share/man/' -e '^/usr/share/info/' -e '^/usr/lib/\.build-id' -e "$below"
        printf '%s' "$links$binaries" | while IFS=$TAB read -r path _leads; do
            printf '%s\n' "$path"
            readlink -f -- "$path"
        done
        cat "$work/targets" "$work/publics"
        [ ! -e "$work/search" ] || cut -f 2- "$work/search" | tr : "$NL" | sort -u | sed 's|$|/python3|'
        [ -z "$baseline" ] || printf '%s\n' "$state/baseline"
    } | sort -u >"$work/watch"
}

# --- links -----------------------------------------------------------------------------------------------------------

# readlink keeps a newline at the end of a target, the shell does not.
link_text() {
    text=$(readlink -n -- "$1" && printf .)
    text=${text%.}
}

# main_program PATH: whether it ends in the interpreter that it should end in, however it gets there.
main_program() {
    [ "$(readlink -f -- "$1")" = "$(readlink -f -- "${binaries%%"$TAB"*}")" ]
}

judge_links() {
    while IFS=$TAB read -r path expected owner; do
        [ -n "$path" ] || continue
        # A link of an optional package is due where that is installed.
        is_in "$owner" "$NL$required" || is_in "$owner" "$NL$installed$NL" || continue
        ! record "$path" || [ -z "$target" ] || expected=$target
        if [ -L "$path" ]; then
            link_text "$path"
            [ "$text" != "$expected" ] || continue
            json_text "$text"
            if [ -f "$path" ] && main_program "$path"; then
                found SP101 "$path" "$path leads to $json instead of $expected, and from there where it should" minor
            elif [ -f "$path" ]; then
                found SP101 "$path" "$path leads to $json instead of $expected"
            else
                found SP103 "$path" "$path leads to $json, which is no file"
            fi
        elif [ -d "$path" ]; then
            found SP102 "$path" "$path is a directory; it should be a link to $expected"
        elif [ -e "$path" ]; then
            found SP102 "$path" "$path is a file; it should be a link to $expected"
        else
            found SP103 "$path" "$path is missing"
        fi
    done <<EOF
$links
EOF
    judge_command
    judge_unversioned
}

# Where no package ships a link of this name and no group governs it.
judge_command() {
    ! is_in "$command_name" "$NL$(printf '%s' "$links" | cut -f 1)$NL" && [ -f "$command_name" ] || return 0
    ! grep -q -x -F -- "$command_name" "$work/publics" && ! has_owner "$command_name" || return 0
    json_text "$(readlink -f -- "$command_name")"
    found SP101 "$command_name" "$command_name leads to $json, which no package owns, and no alternatives group governs it"
}

has_owner() {
    rpm -qf -- "$(readlink -f -- "$1")" </dev/null >/dev/null 2>&1
}

judge_unversioned() {
    [ "$unversioned_policy" != unmanaged ] || return 0
    ! fulfils_policy || return 0
    json=absent
    if [ -L "$unversioned" ]; then
        link_text "$unversioned"
        json_text "$text"
    elif [ -e "$unversioned" ]; then
        json='no link'
    fi
    found SP108 "$unversioned" "$unversioned is $json, the policy asks for $unversioned_policy"
}

# By a link of a package, or by way of a group of the release.
fulfils_policy() {
    if [ ! -L "$unversioned" ] && [ ! -e "$unversioned" ]; then
        [ "$unversioned_policy" = absent ]
        return
    fi
    [ -L "$unversioned" ] || return 1
    link_text "$unversioned"
    case $text in
    "$entries"/*) ;;
    *)
        [ "$text" = "$unversioned_target" ] && rpm -qf -- "$unversioned" </dev/null >/dev/null 2>&1
        return
        ;;
    esac
    hops=0
    while [ "$text" != "$unversioned_target" ]; do
        [ -L "$text" ] && [ "$hops" -lt 40 ] || return 1
        hops=$((hops + 1))
        link_text "$text"
    done
}

# --- the files of the packages ---------------------------------------------------------------------------------------

harmless() {
    case $1 in
    [cdglras]) return 0 ;;
    esac
    case $2 in
    /usr/share/doc/* | /usr/share/info/* | /usr/share/licenses/* | /usr/share/locale/* | /usr/share/man/*) return 0 ;;
    /usr/lib/.build-id | /usr/lib/.build-id/*) return 0 ;;
    esac
    return 1
}

# $work/drift: KIND (missing, replaced, content or metadata), PACKAGE and PATH, for what is not as rpm has it.
verify() {
    # shellcheck disable=SC2086  # names of packages
    rpm -V --nodeps --noscripts $installed </dev/null >"$work/verify" 2>"$work/verify-errors"
    [ $? -lt 128 ] || return 1
    ! grep -q '^error: ' "$work/verify-errors" || return 1
    : >"$work/drift"
    while IFS= read -r line; do
        case $line in
        'missing   '??/*) deviation=missing line=${line#missing   } ;;
        [S.?][M.?][5.?][D.?][L.?][U.?][G.?][T.?][P.?]'  '??/*) deviation=${line%%  *} line=${line#???????????} ;;
        *) continue ;;
        esac
        attribute=${line%"${line#?}"}
        path=${line#??}
        ! harmless "$attribute" "$path" || continue
        case $path in
        *' (replaced)') kind=replaced path=${path% (replaced)} ;;
        *) kind='' ;;
        esac
        [ -n "$kind" ] || kind=$(kind_of_deviation)
        [ -n "$kind" ] || continue
        package=''
        record "$path" || :
        printf '%s\t%s\t%s\n' "$kind" "$package" "$path" >>"$work/drift"
    done <"$work/verify"
}

kind_of_deviation() {
    case $deviation in
    missing) [ "$attribute" = m ] || echo missing ;;
    *[S5DL?]*) echo content ;;
    *[MUGP]*)
        # Of another kind of file in the place of this one rpm says no more than M.
        if record "$path"; then
            there=-
            [ ! -d "$path" ] || there=d
            [ ! -L "$path" ] || there=l
            case $perms in
            "$there"*) echo metadata ;;
            *) echo content ;;
            esac
        else
            echo metadata
        fi
        ;;
    esac
}

drift_of() {
    drifted=$(grep -F -- "$TAB$1" "$work/drift" | ending_in "$TAB$1")
    drifted=${drifted%%"$TAB"*}
}

is_program() {
    [ -f "$1" ] && [ ! -L "$1" ] && [ -s "$1" ] && [ -n "$(stat -c %A -- "$1" | grep x)$(stat -c %A -- "$1" | grep s)" ]
}

judge_binaries() {
    reported=$NL$(printf '%s' "$links" | cut -f 1)$NL
    unwell=$NL
    while IFS=$TAB read -r path owner; do
        [ -n "$path" ] || continue
        judge_name "$path" "$owner" SP201
        while IFS=$TAB read -r twin first; do
            [ "$first" = "$path" ] || continue
            judge_name "$twin" "$owner" SP204
            if [ -e "$path" ] && [ -e "$twin" ] && ! [ "$path" -ef "$twin" ]; then
                found SP204 "$twin" "$twin and $path are no longer one file"
            fi
        done <<EOF
$twins
EOF
    done <<EOF
$binaries
EOF
}

# judge_name PATH PACKAGE ID: ID is the finding for other content.
judge_name() {
    reported="$reported$1$NL"
    drift_of "$1"
    if [ -L "$1" ]; then
        link_text "$1"
        json_text "$text"
        found SP203 "$1" "$1 became a link to $json; the package $2 ships a file"
    elif ! is_program "$1"; then
        unwell="$unwell$1$NL"
        found SP202 "$1" "$1 is missing, empty or not executable"
    elif [ "$drifted" = content ]; then
        [ "$3" = SP204 ] && [ "$path" -ef "$1" ] || [ "$3" = SP201 ] || return 0
        found "$3" "$1" "$1 is not the file that the package $2 shipped"
    fi
}

# One finding for each package, with the first path: a standard library that is gone would give thousands.
judge_files() {
    reported_by=$NL
    while IFS=$TAB read -r kind package path; do
        id='' severity=''
        case $kind in
        replaced) id=SP206 what='another package replaced' ;;
        metadata)
            is_in "$path" "$unwell" || {
                json_text "$path"
                found SP207 "$path" "mode, owner or capabilities of $json are not as the package $package shipped them"
            }
            ;;
        *)
            # What a group governs has the group's finding.
            is_in "$path" "$reported" || grep -q -x -F -- "$path" "$work/governed" || {
                if pip_claims "$path"; then
                    id=SP208 what='pip replaced'
                else
                    id=SP205 what='not as shipped:'
                    # Python does not read this one, pip does; images and people delete it.
                    [ "${path##*/}" != EXTERNALLY-MANAGED ] || severity=minor
                fi
            }
            ;;
        esac
        if [ -n "$id" ] && ! is_in "$id $package $severity" "$reported_by"; then
            reported_by="$reported_by$id $package $severity$NL"
            json_text "$path"
            found "$id" "$path" "$what $json of the package $package, and perhaps more of it" "$severity"
        fi
    done <"$work/drift"
}

# pip_claims PATH: a dist-info of pip or uv beside it has it in its RECORD.
pip_claims() {
    case $1 in
    */site-packages/*) site=${1%%/site-packages/*}/site-packages ;;
    */dist-packages/*) site=${1%%/dist-packages/*}/dist-packages ;;
    *) return 1 ;;
    esac
    for info in "$site"/*.dist-info; do
        [ -f "$info/INSTALLER" ] && [ -f "$info/RECORD" ] || continue
        grep -q -x -e pip -e uv "$info/INSTALLER" || continue
        cut -d , -f 1 "$info/RECORD" | tr -d '"' >"$work/record"
        ! grep -q -x -F -- "${1#"$site/"}" "$work/record" || return 0
    done
    return 1
}

# --- what no package owns --------------------------------------------------------------------------------------------

# importable PATH
importable() {
    case $1 in
    */__pycache__) return 1 ;;
    *.py | *.so | *.pth | *.pyc | *.egg-link) return 0 ;;
    esac
    [ -d "$1" ]
}

# $work/unknown: importable things in the library, at every depth, and at the top of its folders for add-on modules, that
# the packages of the contract do not own. Names with a newline, which no package has, go to $work/odd.
list_unknown() {
    : >"$work/listed"
    : >"$work/odd"
    IFS=$NL
    # shellcheck disable=SC2086
    set -- $libraries
    IFS=" $TAB$NL"
    while [ $# -gt 0 ]; do
        folder=$1
        shift
        [ -d "$folder" ] && [ ! -L "$folder" ] || continue
        for path in "$folder"/* "$folder"/.[!.]*; do
            case $path in
            *"$NL"*) ! importable "$path" || printf '%s\0' "$path" >>"$work/odd" ;;
            */site-packages | */dist-packages) set -- "$@" "$path" ;;
            *)
                ! importable "$path" || {
                    printf '%s\n' "$path" >>"$work/listed"
                    case $folder in
                    */site-packages | */dist-packages) ;;
                    *) [ ! -d "$path" ] || [ -L "$path" ] || set -- "$@" "$path" ;;
                    esac
                }
                ;;
            esac
        done
    done
    sort -u "$work/listed" | comm -23 - "$work/owned" >"$work/unknown"
}

# $work/traces: what has the name of a part of an installed CPython in a folder of the operating system.
list_traces() {
    for folder in /usr/bin /usr/sbin /usr/libexec /usr/lib /usr/lib64 /usr/include /usr/lib/pkgconfig \
        /usr/lib64/pkgconfig /usr/share/man/man1; do
        [ ! -L "$folder" ] || continue
        printf '%s\n' "$folder"/*python* "$folder"/*pip* "$folder"/*pydoc* "$folder"/*idle* "$folder"/*pyvenv* \
            "$folder"/*easy_install* "$folder"/*2to3*
    done | grep -E '/(lib|platform-)?(python|pip|pydoc|idle|pyvenv|easy_install|2to3)-?(3(\.[0-9]+)?)?[mtd]{0,2}(-config|-embed|-intel64|-32)?(\.a|\.so(\.[0-9.]+)?|\.pc|\.1(\.gz)?)?$' |
        sort -u >"$work/named"
    comm -23 "$work/named" "$work/owned" >"$work/traces"
}

# Takes out of both lists what packages beyond the contract own.
drop_owned() {
    cat "$work/unknown" "$work/traces" >"$work/candidates"
    : >"$work/others"
    [ ! -s "$work/candidates" ] || {
        IFS=$NL
        set -f
        # shellcheck disable=SC2046
        set -- $(cat "$work/candidates")
        set +f
        IFS=" $TAB$NL"
        rpm -qf --qf '[%{FILENAMES}\n]' -- "$@" </dev/null 2>/dev/null | sort -u >"$work/others"
    }
    comm -23 "$work/unknown" "$work/others" >"$work/planted"
    comm -23 "$work/traces" "$work/others" >"$work/unowned"
}

judge_unknown() {
    starts=''
    shown=0
    [ -z "$lacking" ] || return 0
    planted=$NL$(cat "$work/planted")$NL
    inside=$NL
    while IFS= read -r path; do
        # Most of many lie beside the one before, and the long list need not be searched for each.
        case $path in
        "$inside"/*) continue ;;
        esac
        ! is_in "${path%/*}" "$planted" || {
            inside=${path%/*}
            continue
        }
        judge_planted "$path"
    done <"$work/planted"
    # The shell reads no NUL: a newline becomes another character on the way.
    tr '\n\0' '\001\n' <"$work/odd" >"$work/odd-lines"
    while IFS= read -r path; do
        judge_planted "$(printf %s "$path" | tr '\001' '\n')"
    done <"$work/odd-lines"
    [ "$shown" -le 20 ] || found SP209 '' "no package owns $((shown - 20)) more files in the folders of the system's Python"
}

judge_planted() {
    severity=major
    case ${1##*/} in
    *.pth | sitecustomize | sitecustomize.* | usercustomize | usercustomize.*) starts=yes ;;
    *) ! pip_installed "$1" || severity=minor ;;
    esac
    shown=$((shown + 1))
    [ "$shown" -le 20 ] || return 0
    json_text "$1"
    found SP209 "$1" "no package owns $json in the folders of the system's Python" "$severity"
}

pip_installed() {
    case $1 in
    *.dist-info | *.egg-info) [ -f "$1/INSTALLER" ] ;;
    *) if [ -d "$1" ]; then pip_claims "$1/__init__.py"; else pip_claims "$1"; fi ;;
    esac
}

# version_of PATH: sets `version`, by the name, by where it leads or by its first line.
version_of() {
    version=$(version_in "${1##*/}")
    [ -n "$version" ] || [ ! -L "$1" ] || version=$(version_in "$(readlink -- "$1")")
    [ -n "$version" ] || [ ! -f "$1" ] || version=$(version_in "$(head -c 256 -- "$1" | tr -d '\0' | sed -n '1s/^#!//p')")
}

version_in() {
    printf '%s\n' "$1" | sed -n -E 's/\.1(\.gz)?$//; s/^(.*[^0-9.])?(3\.[0-9]+).*$/\2/p'
}

judge_traces() {
    known=$NL
    while IFS= read -r path; do
        version=$(version_in "${path##*/}")
        [ -z "$version" ] || known="$known$version$NL"
    done <<EOF
$(comm -12 "$work/named" "$work/others"; printf '%s' "$binaries" | cut -f 1)
EOF
    : >"$work/versions"
    while IFS= read -r path; do
        version_of "$path"
        printf '%s\t%s\n' "${version:--}" "$path" >>"$work/versions"
    done <"$work/unowned"
    foreign=$NL$(cut -f 1 "$work/versions" | sort -u | while read -r version; do
        [ "$version" = - ] || is_in "$version" "$known" || printf '%s\n' "$version"
    done)$NL
    told=$NL
    while IFS=$TAB read -r version path; do
        ! is_in "$version" "$told" || continue
        if [ "$path" = "$unversioned" ] || [ -n "$lacking" ]; then
            is_in "$version" "$foreign" || continue
        fi
        ! grep -q -x -F -- "$path" "$work/governed" || continue
        told="$told$version$NL"
        json_text "$path"
        found SP210 "$path" "no package owns $json in a folder of the operating system, and perhaps more of a Python ${version#-}"
    done <"$work/versions"
}

# --- alternatives ----------------------------------------------------------------------------------------------------

is_python_name() {
    case $1 in
    *python* | pip* | pydoc* | idle* | pyvenv* | easy_install* | 2to3*) ;;
    *) return 1 ;;
    esac
    printf '%s\n' "$1" | grep -q -x -E '(unversioned-)?(python|pip|pydoc|idle|pyvenv|easy_install|2to3)(-?[23](\.[0-9]+)?)?(-config)?'
}

# each_group FUNCTION: calls it for every group about a Python command, with group, mode, public (LINK, NAME a line),
# targets (a line each) and problem set.
each_group() {
    seen=$NL
    while IFS= read -r folder; do
        [ -n "$folder" ] && [ -d "$folder" ] || continue
        real=$(readlink -f -- "$folder")
        ! is_in "$real" "$seen" || continue
        seen="$seen$real$NL"
        for file in "$folder"/*; do
            case $file in
            *.new | *.dpkg-tmp) continue ;;
            esac
            [ -f "$file" ] || continue
            group=${file##*/} problem='' mode='' link=''
            parse_group <"$file"
            if is_python_name "$group" || { [ -z "$problem" ] && is_python_name "${link##*/}"; }; then
                "$1"
            fi
        done
    done <<EOF
$admin_folders
EOF
}

parse_group() {
    targets='' public='' slaves=0
    IFS= read -r mode && IFS= read -r link || problem='it is cut off'
    case $mode:$link in
    auto:/* | manual:/*) ;;
    *) problem='it does not begin with auto or manual and a link' ;;
    esac
    public="$link$TAB$group$NL"
    while [ -z "$problem" ]; do
        IFS= read -r name || problem='it is cut off'
        [ -n "$name" ] || break
        IFS= read -r slave || problem='it is cut off'
        public="$public$slave$TAB$name$NL"
        slaves=$((slaves + 1))
    done
    while [ -z "$problem" ] && IFS= read -r choice && [ -n "$choice" ]; do
        targets="$targets$choice$NL"
        skip=$((slaves + 1))
        while [ "$skip" -gt 0 ]; do
            IFS= read -r rest || problem='it is cut off'
            skip=$((skip - 1))
        done
    done
}

note_group() {
    printf '%s' "$targets" >>"$work/targets"
    while IFS=$TAB read -r path name; do
        [ -n "$path" ] || continue
        printf '%s\n' "$path" >>"$work/publics"
        [ ! -L "$path" ] || [ "$(readlink -- "$path")" != "$entries/$name" ] || printf '%s\n' "$path" >>"$work/governed"
    done <<EOF
$public
EOF
}

judge_group() {
    json_text "$group"
    shown_group=$json
    if [ -n "$problem" ]; then
        found SP105 "$file" "the state of the alternatives group $shown_group cannot be read: $problem"
        return 0
    fi
    if is_in "$group" "$NL$groups"; then judge_own_group; else judge_public; fi
    problems=''
    [ -L "$link" ] && link_text "$link" && [ "$text" = "$entries/$group" ] || {
        json_text "$link"
        problems="$json does not lead through it; "
    }
    if [ -L "$entries/$group" ]; then
        link_text "$entries/$group"
        is_in "$text" "$NL$targets" || problems="${problems}its entry leads to what is not registered; "
    else
        problems="${problems}it has no entry in $entries; "
    fi
    while IFS= read -r choice; do
        [ -z "$choice" ] || [ -e "$choice" ] || [ -L "$choice" ] || {
            json_text "$choice"
            problems="${problems}the target $json is gone; "
        }
    done <<EOF
$targets
EOF
    [ -z "$problems" ] || found SP105 "$link" "the alternatives group $shown_group disagrees with itself: ${problems%; }"
}

judge_public() {
    while IFS=$TAB read -r path name; do
        [ -n "$path" ] || continue
        record "$path" || continue
        case $flags in
        *g*) continue ;;
        esac
        severity=major
        ! main_program "$link" || severity=minor
        found SP104 "$link" "the alternatives group $shown_group governs $path, which belongs to the package $package" \
            "$severity"
        return 0
    done <<EOF
$public
EOF
}

# A group that the release itself makes: its commands lead through it, and to what packages own.
judge_own_group() {
    while IFS=$TAB read -r path name; do
        [ -n "$path" ] || continue
        if [ -L "$path" ] && [ -f "$path" ]; then
            link_text "$path"
            if [ "$text" = "$entries/$name" ] || has_owner "$path"; then continue; fi
            found SP101 "$path" "$path leads to what no package owns, past the alternatives group $shown_group"
        elif [ -L "$path" ] || [ ! -e "$path" ]; then
            [ "$path" != "$link" ] || found SP103 "$path" "$path leads to no file; the alternatives group $shown_group has a command there"
        else
            found SP102 "$path" "$path is no link; the alternatives group $shown_group has one there"
        fi
    done <<EOF
$public
EOF
    while IFS= read -r choice; do
        { [ -n "$choice" ] && [ -e "$choice" ]; } || continue
        # A choice may be the command of another group, which is judged by itself.
        if rpm -qf -- "$choice" </dev/null >/dev/null 2>&1 || has_owner "$choice"; then continue; fi
        json_text "$choice"
        found SP104 "$link" "the alternatives group $shown_group has the choice $json, which no package owns"
    done <<EOF
$targets
EOF
}

# --- what is set for everyone ----------------------------------------------------------------------------------------

# $work/search: WHO and FOLDERS (with colons) of every search path.
list_search_paths() {
    printf 'default\t/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin\n' >"$work/search"
    while IFS=$TAB read -r who how pattern; do
        [ -n "$who" ] || continue
        case $how in
        secure) script='s/^[[:space:]]*Defaults([@:!>][^[:space:]]+)?[[:space:]].*secure_path[[:space:]]*=[[:space:]]*["'\'']?([^"'\''[:space:],]+).*/\2/p' ;;
        login) script='s/^[[:space:]]*(ENV_SUPATH|ENV_PATH)[[:space:]]+(PATH=)?([^[:space:]]+).*/\3/p' ;;
        systemd) script='s/^[[:space:]]*(Default|Manager)Environment[[:space:]]*=.*PATH=([^"'\''[:space:]]+).*/\2/p' ;;
        *) script='s/^[[:space:]]*(export[[:space:]]+)?PATH[[:space:]]*=[[:space:]]*["'\'']?([^"'\''[:space:];]+).*/\2/p' ;;
        esac
        IFS=$NL
        for file in $pattern; do
            [ -f "$file" ] || continue
            json_text "$file"
            sed -n -E "$script" "$file" | while IFS= read -r value; do
                printf '%s (%s)\t%s\n' "$who" "$json" "$value"
            done
        done >>"$work/search"
        IFS=" $TAB$NL"
    done <<EOF
$path_files
EOF
}

judge_search_paths() {
    told=$NL
    while IFS=$TAB read -r who value; do
        IFS=:
        set -f
        # shellcheck disable=SC2086
        set -- $value
        set +f
        IFS=" $TAB$NL"
        for folder in "$@"; do
            case $folder in
            /*) ;;
            *) continue ;;
            esac
            [ -f "$folder/python3" ] && [ -x "$folder/python3" ] || continue
            [ "$(readlink -f -- "$folder")/python3" != "$command_name" ] || break
            ! is_in "$folder" "$told" || break
            told="$told$folder$NL"
            json_text "$folder/python3"
            found SP106 "$folder/python3" "$json comes before the system's python3 on the search path of: $who"
            break
        done
    done <"$work/search"
}

judge_variables() {
    IFS=$NL
    # shellcheck disable=SC2086
    set -- $variable_files
    IFS=" $TAB$NL"
    for name in PYTHONHOME PYTHONPATH PYTHONSTARTUP; do
        for file in "$@"; do
            [ -f "$file" ] || continue
            grep -q -E "^(|[^#]*[[:space:];\"'])((export|setenv)[[:space:]]+)?$name([[:space:]]*=[[:space:]]*|[[:space:]]+DEFAULT[[:space:]]*=[[:space:]]*|[[:space:]]+)[^;[:space:]]" "$file" || continue
            grep -v -E '^[[:space:]]*unset[[:space:]]' "$file" >"$work/set" || continue
            grep -q "$name" "$work/set" || continue
            json_text "$file"
            found SP107 "$file" "$name is set for everyone in $json: every Python obeys it, the system's tools too"
        done
    done
}

judge_selinux() {
    [ -n "$selinux" ] && [ -f /etc/selinux/config ] || return 0
    setting='^[[:space:]]*SELINUX[[:space:]]*=[[:space:]]*([A-Za-z0-9_]+).*'
    mode=$(sed -n -E "/$setting/{s/$setting/\\1/p;q;}" /etc/selinux/config)
    [ -z "$mode" ] || [ "$mode" = "$selinux" ] ||
        found SP212 /etc/selinux/config "SELinux is configured as $mode; the vendor ships $selinux"
}

# --- packages --------------------------------------------------------------------------------------------------------

judge_packages() {
    for name in $lacking; do
        found SP301 '' "the package $name is not installed"
    done
    printf '%s\n' "$installed" | sort | uniq -d | while IFS= read -r name; do
        [ -z "$name" ] || found SP301 '' "the package $name is installed more than once"
    done
}

# The package manager is never started: it is said to be broken when something that it would run does not verify.
judge_manager() {
    [ -n "$manager" ] && { [ -e "$manager" ] || [ -L "$manager" ]; } || return 0
    because=''
    while IFS=$TAB read -r _kind package path; do
        if is_in "$package" "$NL$manager_packages" || [ "$path" = "$manager" ]; then
            because=$path
        elif [ -n "$manager_interpreter" ]; then
            case $path in
            "$manager_interpreter") because=$path ;;
            "${manager_interpreter%/*}"/*) ;;
            *)
                if is_in "$package" "$NL$required" && ! is_in "$path" "$NL$(printf '%s' "$links" | cut -f 1)$NL"; then
                    because=$path
                fi
                ;;
            esac
        fi
        [ -z "$because" ] || break
    done <"$work/drift"
    [ -z "$manager_interpreter" ] || [ -z "$starts" ] || because=${because:-what runs whenever Python starts}
    [ -z "$manager_interpreter" ] || [ -z "$lacking" ] || because=${because:-a package that is not installed}
    [ -n "$because" ] || return 0
    json_text "$because"
    found SP211 "$manager" "$manager cannot be trusted to start because of $json"
}

# --- the baseline ----------------------------------------------------------------------------------------------------

# What the host looks like, one line an item, sorted: no times, no inodes, so that the same state gives the same text.
print_baseline() {
    {
        sed -n "s/^P$TAB\\([^$TAB]*\\)$TAB/package \\1 /p" "$work/query"
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
            [ -e "$path" ] || [ -L "$path" ] || continue
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
    missing) printf '{"id":"baseline-missing","name":"baseline-missing","severity":"major","path":"%s","summary":"%s"}\n' \
        "$state/baseline" "the recorded baseline of this host is gone" >>"$work/findings" ;;
    altered) printf '{"id":"baseline-altered","name":"baseline-altered","severity":"critical","path":"%s","summary":"%s"}\n' \
        "$state/baseline" "the recorded baseline of this host was altered: its digest is not the configured one" >>"$work/findings" ;;
    esac
}

# --- one check -------------------------------------------------------------------------------------------------------

judge() {
    : >"$work/findings"
    : >"$work/drift"
    : >"$work/targets"
    : >"$work/publics"
    : >"$work/governed"
    starts=''
    if ! ask_rpm; then
        found SP302 '' "the package database cannot be read"
        status=unchecked
        judge_links
        write_watch
        fingerprint >"$work/fingerprint"
        return 0
    fi
    lacking=''
    for name in $required; do
        is_in "$name" "$NL$installed$NL" || lacking="$lacking $name"
    done
    # First what is to be watched, then its fingerprint, then the verdict: what changes in between is seen the next time.
    each_group note_group
    list_search_paths
    write_watch
    mv -f "$work/watch" "$state/watch"
    fingerprint >"$work/fingerprint"
    if ! verify; then
        found SP302 '' "the package database cannot be read"
        status=unchecked
    fi
    judge_links
    judge_binaries
    judge_files
    list_unknown
    list_traces
    drop_owned
    judge_unknown
    judge_traces
    each_group judge_group
    judge_search_paths
    judge_variables
    judge_selinux
    judge_packages
    judge_manager
    judge_baseline
}

# publish FILE TARGET MODE: a reader sees the old content or the new one.
publish() {
    { chmod "$3" "$1" && mv -f "$1" "$2"; } || die "$2 could not be written"
}

write_state() {
    {
        printf '{"schema":1,"host":"%s","time":"%s","status":"%s","contract":"%s","full_check":"%s","findings":[' \
            "$host" "$now" "$status" "$contract" "$(date -u -d "@$last_full" +%Y-%m-%dT%H:%M:%SZ)"
        separator=''
        while IFS= read -r line; do
            printf '%s\n%s' "$separator" "$line"
            separator=,
        done <"$state/findings"
        printf ']}\n'
    } >"$work/state" || die "nothing can be written to $state"
    publish "$work/state" "$state/state.json" 0600
    [ -z "$metrics" ] || write_metrics
}

metric() {
    printf '# HELP fleet_system_python_guard_%s %s\n# TYPE fleet_system_python_guard_%s gauge\n' "$1" "$2" "$1"
}

# Without the paths of findings: a metric must not have as many series as there are files.
write_metrics() {
    [ -d "$metrics" ] || die "the folder for metrics $metrics does not exist"
    {
        metric status 'What the last check came to; 1 for the state that holds.'
        for one in fine findings unchecked postponed; do
            [ "$one" = "$status" ] && value=1 || value=0
            printf 'fleet_system_python_guard_status{status="%s"} %s\n' "$one" "$value"
        done
        metric findings 'Findings of the last check, by kind and severity.'
        sed -n 's/^{"id":"\([^"]*\)","name":"\([^"]*\)","severity":"\([^"]*\)".*/id="\1",name="\2",severity="\3"/p' \
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
    (umask 022 && set -C && cat "$work/metrics" >"$draft") 2>/dev/null &&
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
    publish "$work/sorted" "$state/findings" 0600
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
    IFS=$NL
    set -f
    # shellcheck disable=SC2086
    set -- $notify
    set +f
    IFS=" $TAB$NL"
    {
        printf '{"schema":1,"host":"%s","time":"%s","status":"%s","changes":[' "$host" "$now" "$status"
        sed '$!s/$/,/' "$work/changes"
        printf ']}\n'
    } >"$work/message"
    timeout -k 5 30 "$@" <"$work/message" >"$work/notified" 2>&1 ||
        printf 'guard: the command for alerts %s failed with %s: %s\n' "$1" "$?" "$(tail -c 300 "$work/notified")" >&2
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

check() {
    status=fine last_full=0 saved='' saved_version=''
    seconds=$(date +%s)
    if [ -f "$state/last" ]; then
        read -r saved last_full saved_version <"$state/last" || last_full=0
    fi
    case $last_full in
    '' | *[!0-9]*) last_full=0 saved='' ;;
    esac
    # What kept it from judging, as a lack of memory, may be over without a trace.
    [ -f "$state/findings" ] && ! grep -q '^{"id":"SP302"' "$state/findings" || saved=''
    if [ "$1" = check ] && [ "$saved_version" = "$VERSION" ] && [ $((seconds - last_full)) -lt "$full_every" ] &&
        [ "$last_full" -le "$seconds" ] && [ "$(fingerprint)" = "$saved" ]; then
        [ ! -s "$state/findings" ] || status=findings
        write_state
        rm -f "$state/postponed"
    else
        wait_for_transaction || postpone || :
        before=$(database_stamp)
        seconds=$(date +%s) now=$(moment)
        judge
        # Packages were installed while it looked: what it saw may be half of one and half of the other.
        if transaction_runs || [ "$(database_stamp)" != "$before" ]; then
            wait_for_transaction || postpone || :
            seconds=$(date +%s) now=$(moment) status=fine
            judge
        fi
        [ "$status" = unchecked ] || [ ! -s "$work/findings" ] || status=findings
        last_full=$seconds
        # What could not be judged is not gone.
        [ "$status" != unchecked ] || [ ! -f "$state/findings" ] || cat "$state/findings" >>"$work/findings"
        require_room
        tell
        printf '%s %s %s\n' "$(cat "$work/fingerprint")" "$last_full" "$VERSION" >"$work/last"
        publish "$work/last" "$state/last" 0600
        rm -f "$state/postponed"
        write_state
    fi
    case $status in
    fine) exit 0 ;;
    findings) exit 1 ;;
    *) exit 2 ;;
    esac
}

database_stamp() {
    stat -L -c '%n %s %Y %Z' /var/lib/rpm/rpmdb.sqlite /var/lib/rpm/Packages /var/lib/rpm/Packages.db \
        /usr/lib/sysimage/rpm/rpmdb.sqlite /usr/lib/sysimage/rpm/Packages /usr/lib/sysimage/rpm/Packages.db 2>/dev/null
}

prepare() {
    [ "$(id -u)" -eq 0 ] || die "only root can check this host"
    mkdir -p "$state" || die "$state cannot be made"
    work=$(mktemp -d "$state/work.XXXXXX") || die "nothing can be written to $state"
    trap 'rm -rf "$work"' EXIT
    trap 'exit 2' HUP INT TERM
    json_text "$(uname -n)"
    host=$json
    now=$(moment)
}

compare() {
    look_at_baseline
    case $baseline_state in
    none) die "no baseline is recorded for this host" ;;
    missing) die "the baseline $state/baseline is gone" ;;
    altered) die "the baseline $state/baseline was altered: its digest is not the configured one" ;;
    esac
    ask_rpm || die "the package database cannot be read"
    print_differences >"$work/differences"
    require_room
    cat "$work/differences"
    ! grep -q -v '^{"difference":"updated-' "$work/differences" || exit 1
    exit 0
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
        ask_rpm || die "the package database cannot be read"
        print_baseline
        ;;
    esac
}

main "$@"
