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
unset CDPATH ENV BASH_ENV GREP_OPTIONS TIME_STYLE LS_COLORS RPM_CONFIGDIR RPM_POPTEXEC_PATH XDG_CONFIG_HOME
unalias -a
umask 077
NL='
'
TAB='	'
IFS=" $TAB$NL"
VERSION=1
# What minimal images leave out.
left_out='^/usr/(share/(doc|info|licenses|locale|man)|lib/\.build-id)(/|$)'
# Of the lines of $work/files, for grep and sed.
column="[^$TAB]*$TAB"
# Of what it calls, every remark of the loader or of rpm would be a line in the journal at each check.
exec 3>&2 2>/dev/null

die() {
    printf 'guard: %s\n' "$*" >&3
    exit 2
}

# --- the configuration -----------------------------------------------------------------------------------------------

# Data, never executed: KEY and tab-separated values a line. Lists become variables with a line per entry.
load_config() {
    schema='' contract='' state='' full_every=21600 wait_seconds=120 postpone_limit=3600 metrics='' baseline=''
    required='' packages='' links='' binaries='' twins='' libraries='' selinux='' unversioned='' unversioned_policy=''
    unversioned_target='' manager='' manager_packages='' manager_interpreter='' groups='' admin_folders='' entries=''
    command_name='' moved='' plugin_places='' plugin_conf='' variables='' settings='' watched='' notify='' passable=''
    asked_for='' landmarks='' scripts='' archives='' user_folders='' local_folders='' sites='' in_library='' in_sites=''
    link_paths=$NL
    rules="baseline-missing baseline-missing major${NL}baseline-altered baseline-altered critical$NL"
    [ -r "$config" ] || die "there is no readable configuration $config; the role python_guard writes it"
    IFS=$NL
    set -f
    # By the shell's read each byte would be a system call.
    # shellcheck disable=SC2013
    for line in $(cat "$config"); do
        IFS=$TAB
        # shellcheck disable=SC2086  # its fields
        set -- $line
        key=${1-} one=${2-} two=${3-} three=${4-}
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
        link) links="$links$one$TAB$two$TAB$three$NL" link_paths="$link_paths$one$NL" ;;
        moved) moved="$moved$one$TAB$two$TAB$three$NL" ;;
        binary) binaries="$binaries$one$TAB$two$NL" ;;
        twin) twins="$twins$one$TAB$two$NL" ;;
        place) load_place "$one" "$two" ;;
        asked_for) asked_for="$asked_for$one$NL" ;;
        selinux) selinux=$one ;;
        unversioned) unversioned=$one unversioned_policy=$two unversioned_target=${three:-} ;;
        manager) manager=$one manager_interpreter=${two:-} ;;
        plugin_folder) plugin_places="$plugin_places$one$NL" ;;
        plugin_conf) plugin_conf=$one ;;
        manager_package) manager_packages="$manager_packages$one$NL" ;;
        group) groups="$groups$one$TAB$two$TAB$three$NL" ;;
        admin_folder) admin_folders="$admin_folders$one$NL" ;;
        entries) entries=$one ;;
        variable) variables="$variables$one$NL" ;;
        settings) settings="$settings$one$TAB$two$TAB$three$NL" watched="$watched$three$NL" ;;
        watch) watched="$watched$one$NL" ;;
        passable) passable="$passable$one$NL" ;;
        notify) notify="$notify$one$NL" ;;
        rule) rules="$rules$one $two $three$NL" ;;
        *) die "unknown key $key in $config" ;;
        esac
    done
    IFS=" $TAB$NL"
    set +f
    [ "$schema" = 1 ] || die "$config has the schema '$schema'; this checker reads 1"
    [ -n "$state" ] || die "$config names no state folder"
}

# load_place ROLE PATH: where the system's Python looks, see _audit/import_path.py; `in_library` and `in_sites` are such
# paths as the branches of a regular expression.
load_place() {
    case $1 in
    landmark) landmarks="$landmarks$2$NL" ;;
    script) scripts="$scripts$2$NL" ;;
    archive) archives="$archives$2$NL" ;;
    user) user_folders="$user_folders$2$NL" ;;
    local) local_folders="$local_folders$2$NL" ;;
    library) escape_dots "$2" && libraries="$libraries$2$NL" in_library=${in_library:+$in_library|}$escaped ;;
    site) escape_dots "$2" && sites="$sites$2$NL" in_sites=${in_sites:+$in_sites|}$escaped ;;
    *) die "unknown place $1 in $config" ;;
    esac
}

# escape_dots TEXT: sets `escaped`.
escape_dots() {
    escaped='' rest=$1
    while :; do
        case $rest in
        *.*) escaped=$escaped${rest%%.*}'[.]' rest=${rest#*.} ;;
        *) break ;;
        esac
    done
    escaped=$escaped$rest
}

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

# ask_about LIST: of the files in the list, which is sorted, those that no package owns ($work/nobodys) and those whose
# content is not their package's ($work/changed). Those of the contract were verified before.
ask_about() {
    : >"$work/verify-others"
    in_portions "$1" 100 ask 60 -qf --qf '%{NAME}\n' -- >"$work/answers" || return 1
    sed -n 's/^file \(.*\) is not owned by any package$/\1/p' "$work/answers" | sort -u | comm -12 - "$1" >"$work/nobodys"
    grep -v ' ' "$work/answers" | sort -u | grep -v -x -F -e "${installed:-$NL}" >"$work/asked"
    [ ! -s "$work/asked" ] ||
        in_portions "$work/asked" 100 ask 600 -V --nodeps --noscripts >"$work/verify-others" || return 1
    sed -n 's/^..5[^ ]*  . //p' "$work/verify" "$work/verify-others" | sort -u | comm -12 - "$1" >"$work/changed"
}

exists() {
    [ -e "$1" ] || [ -L "$1" ]
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

# --- what changed ----------------------------------------------------------------------------------------------------

# Sets `print`: names, kinds, modes, owners, sizes, inodes and change times (which root cannot set) of all that decides the
# verdict.
fingerprint() {
    IFS=$NL
    # shellcheck disable=SC2086  # patterns and lists of one entry a line
    set -- "$config" "$0" $watched
    set -f
    print=$({
        ls -lincd --full-time -- "$@"
        # shellcheck disable=SC2086
        ls -liAncR --full-time -- $libraries$landmarks$archives
        # shellcheck disable=SC2086
        ls -liAnc --full-time -- $scripts$local_folders$user_folders
        [ ! -f "$state/watch" ] || in_portions "$state/watch" 1000 ls -lincd --full-time --
        [ ! -f "$state/ways" ] || state_of_ways
    } 2>&1 | sha256sum)
    set +f
    IFS=" $TAB$NL"
    print=${print%% *}
}

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

# --- what the package database says ----------------------------------------------------------------------------------

# The functions up to ask are those of first aid's scripts.

# Bytes that a command may print, and say on the error stream: what prints without end would fill the memory.
most_output=67108864
most_errors=1048576

# limited SECONDS COMMAND...: a hung file system or database must not hang the play. Ends with 124 or 137 when the time was
# over, with 141 when it printed too much.
limited() {
    limit=$1
    shift
    {
        code=$({
            {
                {
                    timeout -k 5 "$limit" "$@" </dev/null 2>&6 3>&- 4>&- 5>&- 6>&-
                    printf '%s' "$?" >&4
                } | {
                    head -c "$most_output" >&3
                    IFS= read -r more || [ -n "$more" ] || exit 0
                    printf x >&4
                }
            } 6>&1 | head -c "$most_errors" >&5
        } 4>&1)
    } 3>&1 5>&2
    case $code in
    *x*) return 141 ;;
    '') return 137 ;;
    esac
    return "$code"
}

holds_database() {
    [ -s "$1/rpmdb.sqlite" ] || [ -s "$1/Packages" ] || [ -s "$1/Packages.db" ]
}

# named_databases MACRO_FILE...: the folders that they name, where no macro has to be expanded.
named_databases() {
    for file in "$@"; do
        [ ! -f "$file" ] || sed -n -e 's/%{_var}/\/var/' -e 's/%{_usr}/\/usr/' -e 's/%{_prefix}/\/usr/' \
            -e "s/^%_dbpath[ $TAB]\{1,\}\(\/[^% $TAB]*\)[ $TAB]*\$/\1/p" "$file"
    done
}

# Sets `database`, the folder that rpm is to be asked about. Asked for one that is gone, rpm makes an empty one; this only
# looks. Where both usual places have one, the vendor's macros tell, and the administrator's own place comes last.
find_database() {
    set -- /usr/lib/sysimage/rpm /var/lib/rpm
    if holds_database "$1" && holds_database "$2" && ! [ "$1" -ef "$2" ]; then
        # shellcheck disable=SC2046  # one folder a word
        set -- $(named_databases /usr/lib/rpm/macros) "$@"
    elif ! holds_database "$1" && ! holds_database "$2"; then
        # shellcheck disable=SC2046
        set -- $(named_databases /etc/rpm/macros /etc/rpm/macros.*)
    fi
    for database in "$@"; do
        ! holds_database "$database" || return 0
    done
    database=''
    return 1
}

# The first line in popt's files that gives rpm's options another meaning, by its name or by a pattern of names.
rpm_alias() {
    for file in /etc/popt /etc/popt.d/*; do
        [ ! -f "$file" ] || sed -e :a -e '/\\$/{' -e N -e 's/\\\n//' -e ta -e '}' "$file" |
            grep -m 1 -E "^[ $TAB]*(rpm(keys|db)?[ $TAB]|[A-Za-z0-9_.+-]*[^A-Za-z0-9_.+# $TAB-])"
    done | head -n 1
}

# ask SECONDS ARGUMENT...: what rpm answers with its vendor's macros only, and without aliases.
ask() {
    within=$1
    shift
    limited "$within" env RPM_CONFIGDIR=/dev/null HOME=/dev/null rpm --rcfile /usr/lib/rpm/rpmrc \
        --macros /usr/lib/rpm/macros --dbpath "$database" "$@"
}

# answered STATUS: rpm came to its end. Its exit code is a number of packages or files; if not, `trouble` is why.
answered() {
    trouble=''
    case $1 in
    124 | 137) trouble='rpm did not answer within its time limit' ;;
    126 | 127) trouble='rpm, or what starts it, cannot be run' ;;
    139) trouble='rpm was ended by signal 11' ;;
    141) trouble='rpm printed without end and was stopped' ;;
    *) return 0 ;;
    esac
    return 1
}

# $work/files: NAME, MODE, FLAGS, TARGET and PATH of every file of the installed packages, tab-separated. Sets `installed`,
# the names, `recorded`, the packages (one may be there twice), and `unfinished`, the names that several packages have.
ask_rpm() {
    known_folders=$NL
    : >"$work/files"
    : >"$work/owned"
    # In the place of a database that is gone rpm would make an empty one.
    trouble='there is no database file'
    find_database || return 1
    trouble=$(rpm_alias)
    [ -z "$trouble" ] || { trouble="a file of popt gives the options of rpm another meaning: $trouble" && return 1; }
    find_called || return 1
    with_words "$NL" "$packages$called_packages" ask 40 -q --qf 'P\t%{ARCH}\t%{NAME}\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}.%{ARCH}\n[F%{FILESTATES}\t%{=ARCH}\t%{=NAME}\t%{FILEMODES:perms}\tf%{FILEFLAGS:fflags}\tt%{FILELINKTOS}\t%{FILENAMES}\n]' \
        >"$work/answer" 2>"$work/query-errors"
    answered $? || return 1
    find_architecture
    sed -n -E -e "s/^P$TAB($architecture|noarch)$TAB//w $work/packages" \
        -e "s/^F[^$TAB]*$TAB($architecture|noarch)$TAB//w $work/files" "$work/answer"
    sed -n "s/^F$column$column$column$column$column$column//p" "$work/answer" | sort -u >"$work/owned"
    with_words "$NL" "$(sort "$work/packages")" list_packages
    require_room
    lacking=''
    for name in $required; do
        is_in "$name" "$installed" || lacking="$lacking $name"
    done
    find_groups
    # An error beside a whole answer is a remark. A damaged database may look like one without packages.
    [ -z "$lacking" ] || ! trouble=$(grep -m 1 '^error: ' "$work/query-errors") || return 1
    trouble='it holds no packages at all'
    [ -n "$installed" ] || [ -n "$(ask 60 -qa --qf x | head -c 1)" ]
}

# list_packages LINE...: name and version, sorted.
list_packages() {
    installed='' recorded='' repeated='' unfinished='' before=''
    for line in "$@"; do
        name=${line%%"$TAB"*} version=${line#*"$TAB"}
        case $version in
        *:*) ;;
        # Without an epoch rpm takes any.
        *) version=0:$version ;;
        esac
        recorded="$recorded$name-$version$NL"
        if [ "$line" = "$before" ]; then
            repeated="$repeated$name$NL"
        elif ! is_in "$name" "$installed"; then
            installed="$installed$name$NL"
        elif ! is_in "$name" "$unfinished"; then
            unfinished="$unfinished$name$NL"
        fi
        before=$line
    done
}

# The system Python's, which is that of the package whose binary it is (file state 4: another architecture's lies there).
find_architecture() {
    binary=${binaries%%"$TAB"*}
    architecture=$(grep -F -- "$TAB$binary" "$work/answer" | while IFS=$TAB read -r file_state made_for rest; do
        case $file_state:$rest in
        F4:*) ;;
        *"$TAB$binary") printf '%s\n' "$made_for" ;;
        esac
    done)
    architecture=${architecture%%"$NL"*}
    [ -n "$architecture" ] || architecture=$(ask 60 -q --qf '%{ARCH}\n' rpm | head -n 1)
}

# owners_of PATH...: sets `owners`, a name a line.
owners_of() {
    owners=$(ask 40 -qf --qf '%{NAME}\n' -- "$@" 2>/dev/null)
    answered $? || return 1
    owners=$(printf '%s\n' "$owners" | sed '/ /d' | sort -u)
}

# What the groups of the release lead to is judged like the system's own, with the library that it has by its name:
# `called` (PATH, PACKAGE a line), `called_packages`.
find_called() {
    called='' called_packages=''
    while IFS=$TAB read -r group name link; do
        [ -n "$group" ] && [ "$group" = "$name" ] || continue
        for path in "$link" "$entries/$group"; do
            end_of "$path"
            case $NL$called in
            *"$NL$end$TAB"*) continue ;;
            esac
            if [ -z "$end" ] || is_promised "$end"; then continue; fi
            owners_of "$end" || return 1
            owner=${owners%%"$NL"*}
            if [ -z "$owner" ] || is_in "$owner" "$NL$packages"; then continue; fi
            minor=${end##*/python}
            owners_of "$end" "/usr/lib64/libpython$minor.so.1.0" "/usr/lib64/python$minor/os.py" \
                "/usr/lib/python$minor/os.py" || return 1
            called="$called$end$TAB$owner$NL"
            for owner in $owners; do
                is_in "$owner" "$NL$packages$called_packages" || called_packages="$called_packages$owner$NL"
            done
        done
    done <<EOF
$groups
EOF
}

# record PATH: sets package, perms, flags and target of an owned path; fails for any other.
record() {
    line_of "$1" "$work/files" || return 1
    package=${line%%"$TAB"*} line=${line#*"$TAB"}
    perms=${line%%"$TAB"*} line=${line#*"$TAB"}
    flags=${line%%"$TAB"*} target=${line#*"$TAB"}
    flags=${flags#f} target=${target#t}
}

# line_of PATH FILE: sets `line` to what stands before the path in the first line that ends with it.
line_of() {
    line=$NL$(grep -F -- "$TAB$1" "$2")$NL
    case $line in
    *"$TAB$1$NL"*) line=${line%%"$TAB$1$NL"*} ;;
    *) return 1 ;;
    esac
    line=${line##*"$NL"}
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
            open_way=$path
            found SP215 "$path" "others than root may change $json"
        elif is_in "$path" "$NL$passable"; then
            case $mode in
            dr?[xs]r?[xs]r?[xt]) ;;
            *) found SP216 "$path" "ordinary users cannot pass $json" ;;
            esac
        fi
    done <"$work/found-ways"
}

# --- links -----------------------------------------------------------------------------------------------------------

# readlink keeps a newline at the end of a target, the shell does not.
link_text() {
    text=$(readlink -n -- "$1" && printf .)
    text=${text%.}
}

known_folders=$NL

# place_of PATH: sets `place`, the one name of what lies there: the folder that it really lies in, and its name in that.
# Paths of different origin are compared in this form only. The folders that it has looked up are kept in `known_folders`.
place_of() {
    case $known_folders in
    *"$NL${1%/*}$TAB"*)
        place=${known_folders#*"$NL${1%/*}$TAB"}
        place=${place%%"$NL"*}
        ;;
    *)
        place=$(readlink -n -f -- "${1%/*}/." && printf .) || place=${1%/*}.
        place=${place%.}
        place=${place%/}
        known_folders="$known_folders${1%/*}$TAB$place$NL"
        ;;
    esac
    place=$place/${1##*/}
}

# led_to LINK: sets `place` to the one name of what the link itself leads to.
led_to() {
    link_text "$1"
    case $text in
    /*) place_of "$text" ;;
    *) place_of "${1%/*}/$text" ;;
    esac
}

# leads_to PATH TARGET: whether it is a link to that name, however either is written.
leads_to() {
    [ -L "$1" ] || return 1
    led_to "$1"
    led=$place
    place_of "$2"
    [ "$led" = "$place" ]
}

# end_of PATH: sets `end`, the name that it leads to, be there a file or none; empty for a loop, and for what every process
# finds elsewhere.
end_of() {
    place_of "$1"
    end=$place hops=0
    while :; do
        case $end in
        /proc/*) hops=40 ;;
        esac
        [ "$hops" -lt 40 ] && [ -L "$end" ] || break
        hops=$((hops + 1))
        led_to "$end"
        end=$place
    done
    [ "$hops" -lt 40 ] || end=''
}

# file_of PATH: sets `end`, the file that it leads to; empty for none.
file_of() {
    end_of "$1"
    [ -f "$end" ] || end=''
}

# main_program PATH: whether it ends in the interpreter that it should end in, however it gets there.
main_program() {
    file_of "${binaries%%"$TAB"*}"
    program=$end
    file_of "$1"
    [ -n "$end" ] && [ "$end" = "$program" ]
}

judge_links() {
    while IFS=$TAB read -r path expected owner; do
        [ -n "$path" ] || continue
        # A link of an optional package is due where that is installed.
        is_in "$owner" "$NL$required" || is_in "$owner" "$installed" || continue
        ! is_in "$path" "$NL$unlinked" || continue
        ! record "$path" || [ -z "$target" ] || expected=$target
        if [ -L "$path" ]; then
            link_text "$path"
            [ "$text" != "$expected" ] || continue
            json_text "$text"
            if main_program "$path"; then
                found SP101 "$path" "$path leads to $json instead of $expected, and from there where it should" minor
            elif [ -n "$end" ]; then
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
    ! is_in "$command_name" "$link_paths" && [ -f "$command_name" ] || return 0
    ! grep -q -x -F -- "$command_name" "$work/publics" && ! has_owner "$command_name" || return 0
    json_text "$end"
    found SP101 "$command_name" "$command_name leads to $json, which no package owns, and no alternatives group governs it"
}

# has_owner PATH: what it leads to is a package's.
has_owner() {
    file_of "$1"
    [ -n "$end" ] && is_owned "$end"
}

# Where rpm cannot tell, it may be: then that is the finding.
is_owned() {
    [ "${status-}" != unchecked ] || return 0
    ask 60 -qf -- "$1" >/dev/null
    code=$?
    answered "$code" || { report_unreadable_database && return 0; }
    [ "$code" -eq 0 ]
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
    if ! exists "$unversioned"; then
        [ "$unversioned_policy" = absent ]
        return
    fi
    [ -L "$unversioned" ] || return 1
    led_to "$unversioned"
    entry=$place
    place_of "$entries/."
    [ "${entry%/*}/." = "$place" ] || {
        [ "$text" = "$unversioned_target" ] && is_owned "$unversioned"
        return
    }
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
    # shellcheck disable=SC2086  # one package a word
    ask 600 -V --nodeps --noscripts $recorded >"$work/verify"
    code=$?
    answered "$code" || return 1
    trouble='rpm -V failed'
    [ "$code" -eq 0 ] || [ -s "$work/verify" ] || return 1
    ! grep -q -x 'package .* is not installed' "$work/verify" || return 1
    [ -z "$unfinished" ] || drop_as_shipped
    : >"$work/drift"
    while IFS= read -r line; do
        case $line in
        # Without it Python reads the source.
        'missing   '*/__pycache__ | 'missing   '*/__pycache__/*.pyc) continue ;;
        'missing   '??/*) deviation=missing line=${line#missing   } ;;
        [S.?][M.?][5.?][D.?][L.?][U.?][G.?][T.?][P.?]'  '??/*) deviation=${line%%  *} line=${line#???????????} ;;
        *) continue ;;
        esac
        attribute=${line%"${line#?}"}
        path=${line#??}
        ! harmless "$attribute" "$path" || continue
        kind='' package=''
        case $path in
        # A name may end like rpm's note.
        *' (replaced)') record "$path" || kind=replaced path=${path% (replaced)} ;;
        esac
        [ -n "$kind" ] || kind=$(kind_of_deviation)
        [ -n "$kind" ] || continue
        record "$path" || :
        printf '%s\t%s\t%s\n' "$kind" "$package" "$path" >>"$work/drift"
    done <"$work/verify"
}

# Takes out of $work/verify what one of several releases has so: rpm names a file once for each release that disagrees.
# One that not all have may be gone, or may have been made anew. Thousands of files differ between releases, so that this
# comes before each line is looked at.
drop_as_shipped() {
    sed -e 's/^missing   . //' -e 's/^[^ ]\{9\}  . //' -e 's/ (replaced)$//' "$work/verify" >"$work/deviating"
    for name in $unfinished; do
        grep "^$name$TAB" "$work/files" | cut -f 5-
    done | counted >"$work/releases"
    counted <"$work/deviating" | comm -12 "$work/releases" - | sed -n '/^1 /!s/^[0-9]* //p' | sort >"$work/nobodys"
    sed 's/^[0-9]* //' "$work/releases" | sort | comm -23 - "$work/nobodys" >"$work/disputed"
    paste -d "$TAB" "$work/deviating" "$work/verify" | sort -u -t "$TAB" -k 1,1 |
        join -t "$TAB" -v 2 "$work/disputed" - | cut -f 2- >"$work/verify.new"
    mv -f "$work/verify.new" "$work/verify"
}

# Equal lines once, each with their number in front.
counted() {
    sort | uniq -c | sed 's/^ *//' | sort
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
    drifted=''
    [ -s "$work/drift" ] && line_of "$1" "$work/drift" || return 0
    drifted=${line%%"$TAB"*}
}

is_program() {
    [ -f "$1" ] && [ ! -L "$1" ] && [ -s "$1" ] || return 1
    case $(stat -c %A -- "$1") in
    *[xs]*) ;;
    *) return 1 ;;
    esac
}

judge_binaries() {
    reported=$link_paths
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
$binaries$called
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
                found SP207 "$path" "mode, owner or capabilities of $json are not as the package $package shipped them" \
                    "$(severity_of_metadata)"
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

# Of the mode that `path` has now.
severity_of_metadata() {
    found_mode=$(stat -c '%u %A' -- "$path")
    ! others_change "$found_mode" || { echo critical && return; }
    case $found_mode in
    '0 l'* | '0 '????r??r??) ;;
    *) echo major ;;
    esac
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
    */site-packages/*/* | */dist-packages/*/*) ;;
    */site-packages/*.egg | */site-packages/*.egg-info | */dist-packages/*.egg | */dist-packages/*.egg-info) return 0 ;;
    esac
    [ -d "$1" ]
}

# is_startup_file PATH: by its name, Python reads it by itself when it starts.
is_startup_file() {
    case ${1##*/} in
    *.pth | sitecustomize | sitecustomize.* | usercustomize | usercustomize.*) return 0 ;;
    esac
    return 1
}

# runs_at_startup PATH: Python runs it by itself when it starts, or others than root decide what it finds there.
runs_at_startup() {
    is_startup_file "$1" || return 1
    case $1 in
    *.pth) ;;
    *) return 0 ;;
    esac
    ! is_open_to_others "$1" || return 0
    # Python passes over a folder, and what is not there; a FIFO keeps it waiting.
    [ -e "$1" ] && [ ! -d "$1" ] || return 1
    [ -f "$1" ] || return 0
    path_file_lines "$1"
    ! grep -q "^import[ $TAB]" "$work/path-file" || return 0
    while IFS= read -r added_line; do
        added_folder "$1" "$added_line"
        ! others_lead "$added" || return 0
    done <"$work/path-file"
    return 1
}

# path_file_lines PATH: makes $work/path-file, what counts of a path configuration file (CPython, Lib/site.py). Since 3.13
# a line ends where it does for str.splitlines.
path_file_lines() {
    tr '\0\r\f\v\034-\036' '\001\n' <"$1" | sed 's/\xc2\x85\|\xe2\x80[\xa8\xa9]/\n/g; 1s/^\xef\xbb\xbf//' |
        grep -a -v -e '^#' -e '^[[:space:]]*$' | sort -u >"$work/path-file"
}

# added_folder PATH LINE: sets `added` to the folder that this line of the path configuration file means.
added_folder() {
    case $2 in
    /*) added=$2 ;;
    *) added=${1%/*}/$2 ;;
    esac
    added=${added%"${added##*[![:space:]]}"}
}

# adds_module PATH: in the folders that a path configuration file adds, which come behind its own, is something that comes
# before packaged modules, or that is asked for and not there before.
adds_module() {
    path_file_lines "$1"
    later=$NL$sites
    later=${later#*"$NL${1%/*}$NL"}
    later=${later#"$NL"}
    earlier_names=$(module_names "${sites%"$later"}" '')
    later_names=$(module_names "$later" "$work/planted")
    while IFS= read -r added_line; do
        added_folder "$1" "$added_line"
        [ ! "$added" -ef "${1%/*}" ] || continue
        for one in "$added"/*; do
            comes_before "$one" "$later_names" || continue
            ! is_in "$module" "$earlier_names$NL" || is_in "$module" "$later_names$NL" || continue
            return 0
        done
    done <"$work/path-file"
    return 1
}

# is_open_to_others PATH: others than root may change it; the way to it is a matter of its own.
is_open_to_others() {
    if [ -L "$1" ]; then others_lead "$1"; else others_change "$(stat -c '%u %A' -- "$1")"; fi
}

# $work/unknown: what Python would import, or take its library by, in the folders of packages, and in those of scripts what
# has the name of a module. $work/beside: what it would in those of administrators and users. None of it is of a package
# of the contract. Names with a newline, which no package has, go to $work/odd and $work/odd-beside.
list_unknown() {
    : >"$work/odd"
    : >"$work/odd-beside"
    list_names ''
    list_astray
    seen=''
    {
        for path in $landmarks $archives; do
            ! exists "$path" || printf '%s\n' "$path"
        done
        printf '%s' "$libraries" >"$work/queue"
        walk_folders "$work/queue"
        folders_of_sites >"$work/sites"
        walk_folders
        for folder in $scripts; do
            list_beside "$folder" "$library_names$NL$site_names" "$work/odd"
        done
    } >"$work/listed"
    sort -u "$work/listed" | comm -23 - "$work/owned" >"$work/unknown"
    for folder in $local_folders $user_folders; do
        list_beside "$folder" "$site_names" "$work/odd-beside" startup
    done | sort -u | comm -23 - "$work/owned" >"$work/beside"
}

# The folders for add-on modules, and those below them that packages of the contract own.
folders_of_sites() {
    printf '%s' "$sites"
    sed -n -E "s#^${column}d$column$column$column(($in_sites)/)#\\1#p" "$work/files"
}

# walk_folders [QUEUE]: prints what is importable in the folders of $work/sites, or of the queue and at every depth below.
walk_folders() {
    while IFS= read -r folder; do
        list_folder "$folder" || continue
        [ $# -eq 0 ] || for path in "$folder"/* "$folder"/.[!.]*; do
            case $path in
            */site-packages | */dist-packages | */__pycache__ | *"$NL"*) ;;
            *) [ ! -d "$path" ] || printf '%s\n' "$path" >>"$1" ;;
            esac
        done
    done <"${1:-"$work/sites"}"
}

# list_folder FOLDER: prints what is importable in it; fails for a link astray, and for one that was followed before.
list_folder() {
    [ -d "$1" ] || return 1
    if [ -L "$1" ]; then
        ! is_in "$1" "$astray" || return 1
        real=$(readlink -f -- "$1")
        ! is_in "$real" "$seen" || return 1
        seen="$seen$real$NL"
    fi
    for path in "$1"/* "$1"/.[!.]*; do
        case $path in
        *"$NL"*) ! importable "$path" || printf '%s\0' "$path" >>"$work/odd" ;;
        */site-packages | */dist-packages) ;;
        *) ! importable "$path" || printf '%s\n' "$path" ;;
        esac
    done
    case $1 in
    */site-packages* | */dist-packages*) return 0 ;;
    esac
    for path in "$1/__pycache__/"*"$bytecode"; do
        [ ! -f "$path" ] || printf '%s\n' "$path"
    done
}

# list_names LIST: the names of the modules in the library and in the folders for add-on modules, without those of the list.
list_names() {
    library_names=$(module_names "$libraries" "$1")
    site_names=$(module_names "$sites" "$1")
    minor=${libraries%%"$NL"*}
    minor=${minor##*python}
    bytecode=.cpython-${minor%%.*}${minor#*.}.pyc
}

module_names() {
    if [ -s "$2" ]; then
        contents "$1" | sort -u | comm -23 - "$2" | to_names
    else
        contents "$1" | to_names
    fi
}

contents() {
    for folder in $1; do
        printf '%s\n' "$folder"/* "$folder"/lib-dynload/*
    done
}

to_names() {
    sed -n -E 's#.*/([A-Za-z_][A-Za-z0-9_]*)((\.[^./]*)*\.(py|so|pyc))?$#\1#p'
}

# list_beside FOLDER NAMES ODD [startup]: prints what comes before modules with these names, and what is read at the start.
list_beside() {
    for path in "$1"/* "$1"/.[!.]*; do
        if [ -n "${4-}" ] && is_startup_file "$path" && exists "$path"; then
            case $path in
            *"$NL"*) printf '%s\0' "$path" >>"$3" ;;
            *) printf '%s\n' "$path" ;;
            esac
        elif comes_before "$path" "$2"; then
            printf '%s\n' "$path"
        fi
    done
}

# comes_before PATH NAMES: Python takes it for one of these modules, or finds with it what it only asks for.
comes_before() {
    name=${1##*/}
    module=${name%%.*}
    case $name in
    *.py | *.so | *.pyc) ;;
    "$module") [ -d "$1" ] || return 1 ;;
    *) return 1 ;;
    esac
    is_in "$module" "$asked_for" || { is_in "$module" "$2$NL" && is_module "$1"; }
}

# A folder without __init__ hides nothing, although it answers for what nobody else has.
is_module() {
    [ -d "$1" ] || return 0
    for initial in "$1"/__init__.*; do
        [ ! -e "$initial" ] || return 0
    done
    return 1
}

# Sets `astray`: folders of packaged modules that are links which others than root can lead elsewhere.
list_astray() {
    with_words "$NL" "$(sed -n -E "s#^($column)d$column$column$column(($in_library|$in_sites)(/.*)?)\$#\\1\\2#p" "$work/files")" \
        note_astray >"$work/astray"
    astray=$(cut -f 1 "$work/astray")$NL
}

# note_astray LINE...: package and path of folders.
note_astray() {
    for line in "$@"; do
        package=${line%%"$TAB"*} path=${line#*"$TAB"}
        if ! [ -L "$path" ] || ! [ -d "$path" ] || ! others_lead "$path"; then continue; fi
        printf '%s\t%s\t%s\n' "$path" "$package" "$open_folder"
    done
}

judge_astray() {
    while IFS=$TAB read -r path package open_folder; do
        json_text "$open_folder"
        open_folder=$json
        json_text "$path"
        found SP214 "$path" "$json of the package $package is a link, and others than root may write $open_folder: they decide what the system's Python imports"
    done <"$work/astray"
}

# others_lead PATH: sets open_folder, the first of the folders that it leads through, and of its end, that others than root
# may write; fails where there is none.
others_lead() {
    rest=$1/ walked='' hops=0
    while [ -n "$rest" ]; do
        part=${rest%%/*} rest=${rest#*/}
        case $part in
        '' | .) continue ;;
        ..) walked=${walked%/*} && continue ;;
        esac
        ! is_open "${walked:-/}" "$walked/$part" || return 0
        if [ -L "$walked/$part" ]; then
            hops=$((hops + 1))
            [ "$hops" -le 40 ] || return 1
            link_text "$walked/$part"
            case $text in
            /*) walked='' ;;
            esac
            rest=$text/$rest
        else
            [ -e "$walked/$part" ] || return 1
            walked=$walked/$part
        fi
    done
    is_open "${walked:-/}"
}

# is_open FOLDER [NAME]: others than root may write it; in a sticky folder of root nobody else can exchange what is root's.
is_open() {
    open_folder=$1
    case $(stat -c '%u %A' -- "$1") in
    '0 '?????[!w]??[!w]?) return 1 ;;
    '0 '?????????[tT]) [ "$(stat -c %u -- "${2:-/proc/none}" 2>/dev/null)" != 0 ] ;;
    esac
}

# $work/traces: what has the name of a part of an installed CPython in a folder of the operating system.
list_traces() {
    for folder in /usr/bin /usr/sbin /usr/libexec /usr/lib /usr/lib64 /usr/include /usr/lib/pkgconfig \
        /usr/lib64/pkgconfig /usr/share/man/man1; do
        [ ! -L "$folder" ] || continue
        printf '%s\n' "$folder"/*
    done | grep -E '/(lib|platform-)?(python|pip|pydoc|idle|pyvenv|easy_install|2to3)-?(3(\.[0-9]+)?)?[mtd]{0,2}(-config|-embed|-intel64|-32)?(\.a|\.so(\.[0-9.]+)?|\.pc|\.1(\.gz)?)?$' |
        sort -u >"$work/named"
    comm -23 "$work/named" "$work/owned" >"$work/traces"
}

# Takes out of the lists what packages beyond the contract own.
drop_owned() {
    cat "$work/unknown" "$work/beside" "$work/traces" >"$work/candidates"
    in_portions "$work/candidates" 100 ask 300 -qf --qf '[%{FILENAMES}\n]' -- >"$work/owners" || return 1
    sort -u "$work/owners" >"$work/others"
    confirm_unowned
    comm -23 "$work/unknown" "$work/others" >"$work/planted"
    comm -23 "$work/beside" "$work/others" >"$work/outside"
    comm -23 "$work/traces" "$work/others" >"$work/unowned"
}

# What the index of files denies must not be in a package's record, either: an index may have lost entries.
confirm_unowned() {
    sort -u "$work/candidates" | comm -23 - "$work/others" >"$work/denied"
    [ -s "$work/denied" ] || return 0
    ask 300 -qa --qf '[%{FILENAMES}\n]' | sort -u | comm -12 "$work/denied" - >"$work/recorded"
    [ -s "$work/recorded" ] || return 0
    sort -u -o "$work/others" "$work/others" "$work/recorded"
    IFS= read -r path <"$work/recorded"
    trouble="its answers contradict each other: rpm -qf finds no owner of $path, but a package has it in its record"
    report_unreadable_database
}

judge_unknown() {
    blocks=''
    [ -z "$lacking" ] || return 0
    [ ! -s "$work/planted" ] || list_names "$work/planted"
    judge_each judge_planted "$work/planted" "$work/odd"
    [ "$shown" -le 20 ] || found SP209 '' "no package owns $((shown - 20)) more files that the system's Python finds"
    judge_each judge_outside "$work/outside" "$work/odd-beside"
    [ "$shown" -le 20 ] || found SP213 '' "the system's Python runs or imports $((shown - 20)) more files that no package owns"
}

# judge_each FUNCTION LIST ODD: calls it for each path of the list that is not inside another one, and for the odd ones.
judge_each() {
    shown=0
    [ -s "$2" ] || [ -s "$3" ] || return 0
    folders=$NL$(sed 's|/[^/]*$||' "$2" | sort -u | comm -12 - "$2")$NL
    inside=$NL
    while IFS= read -r path; do
        case $path in
        "$inside"/*) continue ;;
        esac
        ! is_in "${path%/*}" "$folders" || {
            inside=${path%/*}
            continue
        }
        "$1" "$path"
    done <"$2"
    # The shell reads no NUL: a newline becomes another character on the way.
    tr '\n\0' '\001\n' <"$3" >"$work/odd-lines"
    while IFS= read -r path; do
        "$1" "$(printf %s "$path" | tr '\001' '\n')"
    done <"$work/odd-lines"
}

# hides_module PATH: Python imports it, or what it adds to the path, in the place of what packages have, or as a part of that.
hides_module() {
    case $1 in
    */site-packages/*/* | */dist-packages/*/*) return 0 ;;
    */site-packages/*.pth | */dist-packages/*.pth) adds_module "$1" ;;
    */site-packages/* | */dist-packages/*) comes_before "$1" "$site_names" ;;
    *) ! is_in "${1%/*}" "$scripts" || comes_before "$1" "$library_names$NL$site_names" ;;
    esac
}

judge_planted() {
    severity='' said="which the system's Python finds"
    if runs_at_startup "$1"; then
        blocks=yes
    elif is_in "${1%/*}" "$scripts"; then
        hides_module "$1" || return 0
    elif hides_module "$1"; then
        blocks=yes
    else
        severity=minor said="an add-on to the system's Python"
    fi
    shown=$((shown + 1))
    [ "$shown" -le 20 ] || return 0
    [ -z "$severity" ] || ! is_open_to_others "$1" || pip_installed "$1" || severity=''
    json_text "$1"
    found SP209 "$1" "no package owns $json, $said" "$severity"
}

judge_outside() {
    severity='' said='programs of the system would import'
    if runs_at_startup "$1"; then
        said="the system's Python runs whenever it starts"
    elif ! hides_module "$1"; then
        return 0
    fi
    shown=$((shown + 1))
    [ "$shown" -le 20 ] || return 0
    hides_module "$1" || ! pip_installed "$1" || severity=minor
    json_text "$1"
    found SP213 "$1" "$said $json, and no package owns it" "$severity"
}

pip_installed() {
    case $1 in
    *.dist-info | *.egg-info) [ -f "$1/INSTALLER" ] ;;
    *) if [ -d "$1" ]; then pip_claims "$1/__init__.py"; else pip_claims "$1"; fi ;;
    esac
}

# version_of PATH: sets `version`, by the name, by where it leads or by its first line.
version_of() {
    version_in "${1##*/}"
    [ -n "$version" ] || [ ! -L "$1" ] || version_in "$(readlink -- "$1")"
    [ -n "$version" ] || [ ! -f "$1" ] || version_in "$(head -c 256 -- "$1" | tr -d '\0' | sed -n '1s/^#!//p')"
}

# version_in TEXT: sets `version` to the last 3.N in it that does not go on another number.
version_in() {
    version='' passed='' rest=$1
    case $rest in
    *.1 | *.1.gz) rest=${rest%.1*} ;;
    esac
    while :; do
        case $rest in
        *3.[0-9]*) ;;
        *) return 0 ;;
        esac
        passed=$passed${rest%%3.[0-9]*}
        rest=${rest#"${rest%%3.[0-9]*}3."}
        case $passed in
        *[0-9.]) ;;
        *) version=3.${rest%%[!0-9]*} ;;
        esac
        passed=${passed}3.
    done
}

judge_traces() {
    known=$NL
    while IFS= read -r path; do
        version_in "${path##*/}"
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
        if [ "$path" = "$unversioned" ] || [ -n "$lacking$unlinked" ]; then
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

# $work/groups: the state files of groups about Python, by a name or by a path that a package of the contract ships.
find_groups() {
    : >"$work/public"
    : >"$work/groups"
    : >"$work/unfinished"
    each_state note_public
    [ -s "$work/public" ] || return 0
    sed -n "/^[^$TAB]*${TAB}[^$TAB]*${TAB}f[^$TAB]*g/!s/.*$TAB//p" "$work/files" | sort -u >"$work/shipped"
    shipped=$NL$(cut -f 1 "$work/public" | sort -u | comm -12 - "$work/shipped")$NL
    while IFS=$TAB read -r path file; do
        ! is_python_name "${path##*/}" && ! is_python_name "${file##*/}" && ! is_in "$path" "$shipped" ||
            printf '%s\n' "$file"
    done <"$work/public" | uniq >"$work/groups"
}

note_public() {
    while IFS=$TAB read -r path _name; do
        place_of "${path:-/}"
        printf '%s\t%s\n' "$place" "$state_file"
    done <<EOF >>"$work/public"
$public
EOF
}

# each_state FUNCTION: calls it for every state file.
each_state() {
    seen=$NL
    while IFS= read -r folder; do
        [ -n "$folder" ] && [ -d "$folder" ] || continue
        real=$(readlink -f -- "$folder")
        ! is_in "$real" "$seen" || continue
        seen="$seen$real$NL"
        for state_file in "$folder"/*; do
            case $state_file in
            *"$NL"*.new) continue ;;
            *.new) printf '%s\n' "$state_file" >>"$work/unfinished" && continue ;;
            *.dpkg-tmp | *.dpkg-new) continue ;;
            esac
            [ -f "$state_file" ] || continue
            parse_group
            "$1"
        done
    done <<EOF
$admin_folders
EOF
}

# each_group FUNCTION: calls it for every group about Python, and for those of the release that are lost, with group,
# mode, link, public (LINK, NAME a line), choices (PRIORITY, TARGET), followers (TARGET, LINK, NAME, TARGET of the slave),
# own (yes for one of the release) and problem (why its state cannot be read) set.
each_group() {
    present=$NL
    while IFS= read -r state_file; do
        parse_group
        is_own
        [ -z "$own" ] || present="$present$group$NL"
        "$1"
    done <"$work/groups"
    while IFS=$TAB read -r group name link; do
        if [ -n "$group" ] && [ "$group" = "$name" ] && ! is_in "$group" "$present" && is_owned "$link"; then
            mode='' choices='' followers='' own=yes problem='it has no state file' public=$(promised_links)
            "$1"
        fi
    done <<EOF
$groups
EOF
}

# By its name and its link. One that cannot be read has the links of the contract, where a package makes it.
is_own() {
    own='' promised=''
    while IFS=$TAB read -r owner name path; do
        [ "$owner$TAB$name" != "$group$TAB$group" ] || promised=$path
    done <<EOF
$groups
EOF
    [ -n "$promised" ] || return 0
    place_of "$promised"
    promised=$place
    place_of "${link:-$promised}"
    [ "$place" = "$promised" ] || return 0
    if [ -z "$problem" ]; then
        own=yes
    elif is_owned "$promised"; then
        own=yes link=$promised public=$(promised_links)
    fi
}

promised_links() {
    printf '%s' "$groups" | sed -n "s/^$group$TAB\\([^$TAB]*\\)$TAB\\(.*\\)/\\2$TAB\\1/p"
}

# next_line: sets `line` to the next one of the state file; behind a last newline comes one more, which is empty.
next_line() {
    IFS= read -r line <&3 && return 0
    [ -z "$ended" ] || return 1
    ended=yes
}

wrong() {
    problem=${problem:-$1}
}

parse_group() {
    group=${state_file##*/} problem='' mode='' link='' slaves='' choices='' followers='' ended=''
    parse_lines 3<"$state_file" || wrong 'it cannot be read'
    [ -n "$choices" ] || wrong 'it offers nothing'
    [ -z "$problem" ] || choices='' followers=''
    case $link in
    /*) public="$link$TAB$group$NL$slaves" ;;
    *) link='' public='' ;;
    esac
    [ -z "$problem" ] || public=$public$(led_through)
}

parse_lines() {
    ! next_line || mode=$line
    ! next_line || link=$line
    case $mode:$link in
    auto:/* | manual:/*) ;;
    *) wrong 'it does not begin with auto or manual and a link' ;;
    esac
    while [ -z "$problem" ]; do
        next_line || wrong 'it is cut off'
        [ -n "$line" ] || break
        name=$line
        next_line || wrong 'it is cut off'
        case $name:$line in
        /*) wrong 'it has a path where a name belongs' ;;
        *:/*) slaves="$slaves$line$TAB$name$NL" ;;
        *) wrong 'a slave has no link' ;;
        esac
    done
    while [ -z "$problem" ] && next_line && [ -n "$line" ]; do
        parse_choice
    done
    while [ -z "$problem" ] && next_line; do
        [ -z "$line" ] || wrong 'it goes on behind its end'
    done
}

parse_choice() {
    choice=$line
    next_line || wrong 'it is cut off'
    priority=${line#@*@}
    priority=${priority%% *}
    case $choice:${priority#-} in
    [!/]* | *: | *:*[!0-9]*) wrong 'a choice is no path with a priority' ;;
    esac
    choices="$choices$priority$TAB$choice$NL"
    while IFS=$TAB read -r path name; do
        [ -n "$path" ] || continue
        next_line || wrong 'it is cut off'
        case $line in
        '') ;;
        /*) followers="$followers$choice$TAB$path$TAB$name$TAB$line$NL" ;;
        *) wrong 'the target of a slave is no path' ;;
        esac
    done <<EOF
$slaves
EOF
}

# The commands of the contract that lead to the entry of a group whose state cannot be read.
led_through() {
    printf '%s\n' "$command_name" "$link_paths" | sort -u | while IFS= read -r path; do
        [ -z "$path" ] || ! leads_to "$path" "$entries/$group" || printf '%s\t%s\n' "$path" "$group"
    done
}

note_group() {
    printf '%s' "$choices" | cut -f 2- >>"$work/targets"
    while IFS=$TAB read -r path name; do
        [ -n "$path" ] || continue
        place_of "$path"
        path=$place
        printf '%s\n' "$path" >>"$work/publics"
        ! leads_to "$path" "$entries/$name" || printf '%s\n' "$path" >>"$work/governed"
    done <<EOF
$public
EOF
}

# Of Python's commands or groups alone: chkconfig's program makes this file with O_EXCL.
judge_unfinished() {
    while IFS= read -r path; do
        group=${path##*/} group=${group%.new}
        is_python_name "$group" || grep -q -x -F -- "${path%.new}" "$work/groups" || continue
        json_text "$path"
        found SP105 "$path" "$json was left by a killed alternatives: no package can register itself in this group"
    done <"$work/unfinished"
}

judge_group() {
    json_text "$group"
    shown_group=$json
    judge_public
    [ -z "$own" ] || judge_own_group
    if [ -n "$problem" ]; then
        found SP105 "${link:-$state_file}" "the alternatives group $shown_group has no state that can be read: $problem"
        return 0
    fi
    problems='' chosen=''
    leads_to "$link" "$entries/$group" || {
        json_text "$link"
        problems="$json does not lead through it; "
    }
    if [ -L "$entries/$group" ]; then
        led_to "$entries/$group"
        chosen=$place
    else
        problems="${problems}it has no entry in $entries; "
    fi
    judge_choices
    [ -z "$problems" ] || found SP105 "$link" "the alternatives group $shown_group disagrees with itself: ${problems%; }"
}

# Adds to `problems`.
judge_choices() {
    registered=''
    while IFS=$TAB read -r _priority choice; do
        [ -n "$choice" ] || continue
        place_of "$choice"
        [ "$place" != "$chosen" ] || registered=$choice
        exists "$choice" || is_owned "$place" || {
            json_text "$choice"
            problems="${problems}the target $json is gone; "
        }
    done <<EOF
$choices
EOF
    [ -z "$chosen" ] || [ -n "$registered" ] || problems="${problems}its entry leads to what is not registered; "
    while IFS=$TAB read -r choice path name follower; do
        [ -n "$own" ] && [ -n "$registered" ] && [ "$choice" = "$registered" ] && [ -e "$follower" ] || continue
        if ! leads_to "$path" "$entries/$name" || ! leads_to "$entries/$name" "$follower"; then
            json_text "$path"
            problems="$problems$json does not lead to what is chosen; "
        fi
    done <<EOF
$followers
EOF
}

# A group may not govern what a package ships, and only one of the release what that leaves to it.
judge_public() {
    while IFS=$TAB read -r path name; do
        [ -n "$path" ] || continue
        place_of "$path"
        path=$place
        if record "$path"; then
            case $flags in
            *g*) package='' ;;
            esac
        else
            package=''
        fi
        if [ -z "$package" ] && [ -z "$own" ] && is_promised "$path"; then
            package=$(ask 60 -qf --qf '%{NAME}\n' -- "$path" | sed -n '1{/ /!p;}')
        fi
        [ -n "$package" ] || continue
        severity=major
        ! main_program "$link" || severity=minor
        json_text "$path"
        found SP104 "${link:-$path}" "the alternatives group $shown_group governs $json, which belongs to the package $package" \
            "$severity"
        return 0
    done <<EOF
$public
EOF
}

is_promised() {
    case $NL$groups in
    *"$TAB$1$NL"*) return 0 ;;
    esac
    return 1
}

# A group that the release itself makes: its commands lead through it, and to what packages own.
judge_own_group() {
    while IFS=$TAB read -r path name; do
        [ -n "$path" ] || continue
        file_of "$path"
        if [ -L "$path" ] && [ -n "$end" ]; then
            if leads_to "$path" "$entries/$name" || has_owner "$path"; then continue; fi
            found SP101 "$path" "$path leads to what no package owns, past the alternatives group $shown_group"
        elif [ -L "$path" ] || [ ! -e "$path" ]; then
            [ "$path" != "$link" ] || found SP103 "$path" "$path leads to no file; the alternatives group $shown_group has a command there"
        else
            found SP102 "$path" "$path is no link; the alternatives group $shown_group has one there"
        fi
    done <<EOF
$public
EOF
    [ -n "$problem" ] || judge_offers
}

# What no package owns may be offered, but neither be chosen nor come first.
judge_offers() {
    best=0 foreign=''
    while IFS=$TAB read -r priority choice; do
        [ -n "$choice" ] || continue
        place_of "$choice"
        if is_owned "$place"; then
            [ "$priority" -le "$best" ] || best=$priority
        elif [ -e "$choice" ]; then
            foreign="$foreign$priority$TAB$choice$NL"
        fi
    done <<EOF
$choices
EOF
    while IFS=$TAB read -r priority choice; do
        [ -n "$choice" ] || continue
        leads_to "$entries/$group" "$choice" || [ "$priority" -ge "$best" ] || continue
        json_text "$choice"
        found SP104 "$link" "the alternatives group $shown_group has the choice $json, which no package owns"
    done <<EOF
$foreign
EOF
}

# --- what is set for everyone ----------------------------------------------------------------------------------------

# each_settings_file COMMAND: calls it with the syntax and the path of each settings file; $who is whose it is, $group
# what is read together with it.
each_settings_file() {
    visit=$1 hidden=$NL
    IFS=$NL
    set -f
    for setting in $settings; do
        set +f
        who=${setting%%"$TAB"*} syntax=${setting#*"$TAB"}
        # shellcheck disable=SC2086  # a pattern
        set -- ${syntax#*"$TAB"}
        syntax=${syntax%%"$TAB"*}
        IFS=" $TAB$NL"
        for file in "$@"; do
            exists "$file" || continue
            group=$file
            case $syntax in
            together:*)
                group="$who $syntax"
                # One of the same name in an earlier folder hides it.
                ! is_in "$group ${file##*/}" "$hidden" || continue
                hidden="$hidden$group ${file##*/}$NL"
                ;;
            esac
            [ ! -f "$file" ] || "$visit" "${syntax#*:}" "$file"
        done
        IFS=$NL
    done
    IFS=" $TAB$NL"
    set +f
}

# Looks once at all settings files. Sets `of_paths` and `of_variables`: those with a word about search paths or variables.
# $work/exports: what a shell only sets is for everyone once a line of any file exports it.
read_settings() {
    : >"$work/settings-files"
    : >"$work/shell-files"
    : >"$work/exports"
    each_settings_file note_settings_file
    of_paths=$(in_portions "$work/settings-files" 1000 grep -l -e PATH -e path --)$NL || die 'grep cannot be run'
    of_variables=$(in_portions "$work/settings-files" 1000 grep -l -E "$about" --)$NL || die 'grep cannot be run'
    in_portions "$work/shell-files" 1000 grep -h -E "$exporting" -- >>"$work/exports" || die 'grep cannot be run'
}

about='PYTHON|LD_|Environment|env_file|ENV=|(^|[[:space:];&])([.]|source)[[:space:]]'
exporting='^([^#]*[[:space:];&])?(export|declare|typeset|set)[[:space:]]'

note_settings_file() {
    case $2 in
    *"$NL"*) [ "$1" != sh ] || grep -E "$exporting" "$2" >>"$work/exports" ;;
    *)
        printf '%s\n' "$2" >>"$work/settings-files"
        [ "$1" != sh ] || printf '%s\n' "$2" >>"$work/shell-files"
        ;;
    esac
}

# tells FILE LIST: it is in the list, or has a name that cannot be in one.
tells() {
    case $1 in
    *"$NL"*) ;;
    *) is_in "$1" "$2" ;;
    esac
}

# $work/search: WHO and FOLDERS (with colons) of every search path.
list_search_paths() {
    printf 'default\t/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin\n' >"$work/search"
    each_settings_file list_search_path >>"$work/search"
}

list_search_path() {
    tells "$2" "$of_paths" || return 0
    case $1 in
    sudoers) script='s/^[[:space:]]*Defaults([@:!>][^[:space:]]+)?[[:space:]].*secure_path[[:space:]]*=[[:space:]]*["'\'']?([^"'\''[:space:],]+).*/\2/p' ;;
    login.defs) script='s/^[[:space:]]*(ENV_SUPATH|ENV_PATH)[[:space:]]+(PATH=)?([^[:space:]]+).*/\3/p' ;;
    csh) script='s/^(.*[[:space:]);])?setenv[[:space:]]+PATH[[:space:]]+["'\'']?([^"'\''[:space:];]+).*/\2/p
        s/^(.*[[:space:]);])?set[[:space:]]+path[[:space:]]*=[[:space:]]*\(([^)]*)\).*/\2/
        t words
        d
        :words
        s/^ +| +$//g
        s/ +/:/gp' ;;
    pam_env.conf) script='s/^[[:space:]]*PATH[[:space:]].*(OVERRIDE|DEFAULT)=["'\'']?([^"'\''[:space:]]+).*/\2/p' ;;
    sh | environment* | crontab) script='s/^([^#]*[[:space:];&])?PATH[[:space:]]*=[[:space:]]*["'\'']?([^"'\''[:space:];]+).*/\2/p' ;;
    *) script='s/^[^#;]*[[:space:]="'\'']PATH=([^"'\''[:space:]]+).*/\1/p' ;;
    esac
    json_text "$2"
    sed -n -E "$script" "$2" | while IFS= read -r value; do
        printf '%s (%s)\t%s\n' "$who" "$json" "$value"
    done
}

judge_search_paths() {
    told=$NL
    while IFS=$TAB read -r who value; do
        with_words : "$value" judge_search_path
    done <"$work/search"
}

# judge_search_path FOLDER...: its first python3 should be the system's.
judge_search_path() {
    for folder in "$@"; do
        case $folder in
        /*) ;;
        *) continue ;;
        esac
        [ -f "$folder/python3" ] && [ -x "$folder/python3" ] || continue
        place_of "$command_name"
        first=$place
        place_of "$folder/python3"
        [ "$place" != "$first" ] && ! is_in "$folder" "$told" || return 0
        told="$told$folder$NL"
        json_text "$folder/python3"
        found SP106 "$folder/python3" "$json comes before the system's python3 on the search path of: $who"
        return 0
    done
}

# $work/set: the variables that files set for everyone; see note_variables.
list_variables() {
    : >"$work/set"
    told=$NL
    each_settings_file note_told_variables
}

judge_variables() {
    while IFS=$TAB read -r _group name who file; do
        json_text "$file"
        case $name in
        LD_*)
            # What it brings, and so how bad it is, the audit tells.
            found SP111 "$file" "$name is set for $who in $json: every program obeys it" minor
            continue
            ;;
        esac
        by='every Python' severity=''
        [ "$name" != PYTHONSTARTUP ] || by='every Python into which somebody types' severity=minor
        found SP107 "$file" "$name is set for $who in $json: $by obeys it, the system's tools too" "$severity"
    done <"$work/set"
}

note_told_variables() {
    ! tells "$2" "$of_variables" || note_variables "$@"
}

# note_variables SYNTAX FILE: adds to $work/set which of the variables the file sets, and those that it includes, as GROUP
# (in which one file takes back what another sets), name, $who and file. Line by line, so coarser than the audit, which
# knows the grammar of each syntax: what stands in a function that nobody calls counts.
note_variables() {
    end_of "$2"
    real="real ${end:-$2}"
    ! is_in "$1 $2" "$told" && { is_in "path $2" "$told" || ! is_in "$real" "$told"; } || return 0
    told="$told$1 $2${NL}path $2$NL$real$NL"
    lines=$(settings_lines "$1" "$2")
    for name in $variables; do
        case $lines in
        *"$name"* | *Environment*) ;;
        *) continue ;;
        esac
        reset=$(reset_of "$1")
        if printf '%s\n' "$lines" | grep -q -E "^($reset)"; then
            grep -v "^$group$TAB$name$TAB" "$work/set" >"$work/kept"
            mv -f "$work/kept" "$work/set"
        fi
        # Behind the last line that takes it back.
        ! printf '%s\n' "$lines" | tac | sed -E "/^($reset)/q" | gives_value "$1" ||
            printf '%s\t%s\t%s\t%s\n' "$group" "$name" "$who" "$2" >>"$work/set"
    done
    included=''
    case $lines in
    *source* | *.[[:space:]]* | *ENV=* | *env_file* | *EnvironmentFile*)
        included=$(printf '%s\n' "$lines" | included_in "$1")
        ;;
    esac
    while IFS=$TAB read -r included_syntax file; do
        [ -n "$file" ] || continue
        printf '%s\n' "$file" >>"$work/targets"
        [ ! -f "$file" ] || ! grep -q -E "$about" "$file" || note_variables "$included_syntax" "$file"
    done <<EOF
$included
EOF
}

# settings_lines SYNTAX FILE: prints what is no comment, lines that go on joined; of shell scripts neither what
# here-documents have.
settings_lines() {
    case $1 in
    sh | csh) outside_documents "$2" | without_comments '(^|[[:space:]])#.*' ;;
    environment | pam_env.conf) without_comments '#.*' <"$2" ;;
    *) without_comments '^[[:space:]]*[#;].*' <"$2" ;;
    esac
}

outside_documents() {
    sed -E ':again
        /(^|[^<])<<-?[ ]*["'\''\\]?[A-Za-z_]/{
            /^[^\n]*<<-?[ ]*["'\''\\]?([A-Za-z_0-9]+)[^\n]*\n(.*\n)?\t*\1$/!{
                $!{
                    N
                    b again
                }
            }
            s/\n.*//
        }' "$1"
}

without_comments() {
    sed -E "s/$1//"'
        :again
        /\\$/{
            $!{
                N
                s/\\\n/ /
                b again
            }
        }'
}

# reset_of SYNTAX: prints the form of a line that takes $name back.
reset_of() {
    case $1 in
    sh) echo "unset[[:space:]]+([A-Za-z_0-9]+[[:space:]]+)*$name([[:space:];]|\$)|(export[[:space:]]+)?$name=(\"\"|'')?[[:space:]]*\$" ;;
    csh) echo "(unsetenv|setenv)[[:space:]]+${name}[[:space:]]*(\"\"|'')?[[:space:]]*\$" ;;
    service) echo "Environment[[:space:]]*=[[:space:]]*\$|UnsetEnvironment=.*$name" ;;
    *Environment) echo "${1}[[:space:]]*=[[:space:]]*\$" ;;
    *) echo "[[:space:]]*(export )?${name}[[:space:]]*(=[[:space:]]*(\"\"|'')?)?[[:space:]]*\$" ;;
    esac
}

# gives_value SYNTAX: tells whether a line of its input gives $name a value, and not only the one that it has.
gives_value() {
    text="([^][:space:]\"'();&|#]|\"[^\"]+\"|'[^']+')"
    value="[+]?=$text"
    start="(^|[;&|{(]|[[:space:]](then|do|else))[[:space:]]*(builtin[[:space:]]+|command[[:space:]]+)?"
    case $1 in
    sh)
        # In front of a command it holds for that alone.
        only="$start([A-Za-z_0-9]+[+]?=$text*[[:space:]]+)*$name$value$text*[[:space:]]*([;&|})]|\$)"
        form="$start(export|declare[[:space:]]+-[a-zA-Z]*x[a-zA-Z]*|typeset[[:space:]]+-[a-zA-Z]*x[a-zA-Z]*)[[:space:]]([^;&|]*[[:space:]])?[\"']?$name$value"
        ! grep -q -E "[[:space:]\"']$name([[:space:]=\"']|\$)|set[[:space:]]+-([a-z]*a|o[[:space:]]+allexport)" "$work/exports" ||
            form="$form|$only"
        ;;
    csh) form="(^|[;&|)]|[[:space:]]else)[[:space:]]*setenv[[:space:]]+${name}[[:space:]]+$text" ;;
    pam_env.conf) form="^[[:space:]]*${name}[[:space:]].*(DEFAULT|OVERRIDE)=$text" ;;
    environment* | crontab) form="^[[:space:]]*(export )?[\"']?${name}[\"']?[[:space:]]*=[[:space:]]*$text" ;;
    sshd_config) form="^[[:space:]]*[Ss][Ee][Tt][Ee][Nn][Vv]([[:space:]=].*)?[[:space:]=\"]$name=$text" ;;
    service) form="^[[:space:]]*Environment[[:space:]]*=(.*[[:space:]])?[[:space:]\"']*$name=$text" ;;
    *Environment) form="^[[:space:]]*${1}[[:space:]]*=(.*[[:space:]])?[[:space:]\"']*$name=$text" ;;
    *) return 1 ;;
    esac
    sed -E "s/$name=[\"']?[$]([{]$name(:?-)?[}]|$name)[\"']?([[:space:];]|\$)/\\3/g" | grep -q -E "$form"
}

# included_in SYNTAX: prints syntax and name of the files that its input has read in its place.
included_in() {
    case $1 in
    sh | csh) script='s/^(.*[[:space:];&])?([.]|source)[[:space:]]+["'\'']?(\/[^][*?$`"'\''[:space:];&|]+).*/'$1'\t\3/p' ;;
    service) script='s/^[[:space:]]*EnvironmentFile[[:space:]]*=[[:space:]]*-?(\/.*)/environment.d\t\1/p' ;;
    sudoers) script='s/^[[:space:]]*Defaults.*env_file[[:space:]]*=[[:space:]]*["'\'']?(\/[^"'\''[:space:],]+).*/environment\t\1/p' ;;
    *) script='' ;;
    esac
    sed -n -E "$script
        s/^(.*[[:space:]\"'])?(BASH_ENV|ENV)=[\"']?(\\/[^]\"'[:space:]\$*?]+).*/sh	\\3/p"
}

# $work/preload: NAME and file of the libraries that the loader puts into every program: ld.so(8).
list_preloaded() {
    : >"$work/preload"
    [ -f /etc/ld.so.preload ] || return 0
    sed 's/#.*//' /etc/ld.so.preload | tr ' \t:' '[\n*]' | while IFS= read -r name; do
        [ -z "$name" ] || printf '%s\t%s\n' "$name" "$(find_library "$name")"
    done >"$work/preload"
    cut -f 2 "$work/preload" | grep . >>"$work/targets"
}

# $work/cache: NAME, PATH and, where that is for certain processors, "some", of what the loader's cache has for programs
# of 64 bit; of one name, that comes first which is taken first. $work/taken: the same of the libraries that the system's
# Python, its modules and theirs name. A name that stands in a file is not always wanted by it: too many rather than too
# few.
list_libraries() {
    ldconfig -p </dev/null >"$work/told"
    form=$(grep -m 1 -E '=> (/usr)?/lib64/' "$work/told")
    form=${form#*\(}
    form=${form%%\)*}
    case $form in
    *,*,*) form=${form%",${form#*,*,}"} ;;
    esac
    sed -n -E -e "s/^[[:space:]]*([^ ]*) \\($form\\) => (.*)\$/\\1$TAB\\2/p" \
        -e "s/^[[:space:]]*([^ ]*) \\($form,[^)]*hwcap[^)]*\\) => (.*)\$/\\1$TAB\\2${TAB}some/p" \
        -e "s/^[[:space:]]*([^ ]*) \\($form,[^)]*\\) => (.*)\$/\\1$TAB\\2/p" "$work/told" |
        sort -s -t "$TAB" -k 1,1 -k 3,3r >"$work/cache"
    : >"$work/taken"
    wanted=$NL
    readers=$(printf '%s' "$binaries" | cut -f 1 && grep -E '[.]so([.]|$)' "$work/owned")
    while [ -n "$readers" ]; do
        with_words "$NL" "$readers" grep -a -o -h -E 'lib[A-Za-z0-9_.+-]*[.]so[.0-9]*' -- </dev/null |
            sort -u | join -t "$TAB" - "$work/cache" >"$work/named"
        with_words "$NL" "$(cat "$work/named")" take_libraries
    done
    cut -f 2 "$work/taken" >>"$work/targets"
}

# take_libraries LINE...: of each name that is new what may be taken: what is for certain processors, and the first of the
# others.
take_libraries() {
    readers='' sure='' before=$wanted
    for line in "$@"; do
        name=${line%%"$TAB"*} path=${line#*"$TAB"}
        if [ "$name" = "$sure" ] || is_in "$name" "$before"; then continue; fi
        readers="$readers${path%"${TAB}some"}$NL" wanted="$wanted$name$NL"
        printf '%s\t%s\n' "$name" "${path%"${TAB}some"}" >>"$work/taken"
        [ "$path" != "${path%"${TAB}some"}" ] || sure=$name
    done
}

# vouch: asks rpm once about all that is loaded or obeyed beside the packages of the contract: $work/nobodys, $work/changed.
# $work/loaded: NAME, PATH and what that leads to of the libraries that are taken.
vouch() {
    rpm_settings | sort -u >"$work/settings"
    : >"$work/loaded"
    # Of what is missing, a line too.
    [ ! -s "$work/taken" ] || with_words "$NL" "$(cut -f 2 "$work/taken")" readlink -m -- |
        paste -d "$TAB" "$work/taken" - >"$work/loaded"
    cut -f 3 "$work/loaded" | sort -u - "$work/settings" "$work/plugins" >"$work/questioned"
    ask_about "$work/questioned" || { report_unreadable_database && return 1; }
}

# Where no package owns the C library, the host is not made of packages, and its folder is taken as it is.
judge_libraries() {
    [ -z "$lacking" ] || return 0
    base=$(sed -n "s/^libc[.]so[.]6$TAB$column//p" "$work/loaded") several=''
    base=${base%%"$NL"*}
    if is_in "$base" "$(cat "$work/nobodys")$NL"; then
        base=${base%/*} several=$(cut -f 1 "$work/cache" | uniq -d)
    else
        base=''
    fi
    with_words "$NL" "$(cut -f 1,3 "$work/loaded")" beside_base | sort -u | comm -23 - "$work/owned" >"$work/libraries"
    comm -12 "$work/libraries" "$work/nobodys" >"$work/nobodys-libraries"
    comm -12 "$work/libraries" "$work/changed" >"$work/changed-libraries"
    while IFS= read -r library; do
        json_text "$library"
        found SP110 "$library" "the loader takes $json for the system's Python, which belongs to no package"
    done <"$work/nobodys-libraries"
    while IFS= read -r library; do
        json_text "$library"
        found SP110 "$library" "the loader takes $json for the system's Python, which is not as its package shipped it"
    done <"$work/changed-libraries"
    foreign=$(cat "$work/nobodys-libraries" "$work/changed-libraries")
    foreign=${foreign%%"$NL"*}
}

# beside_base LINE...: prints the libraries that are not the only ones of their name in the folder `base`.
beside_base() {
    for line in "$@"; do
        library=${line#*"$TAB"}
        [ "${library%/*}" != "$base" ] || is_in "${line%%"$TAB"*}" "$several$NL" || continue
        printf '%s\n' "$library"
    done
}

judge_preload() {
    while IFS=$TAB read -r name library; do
        json_text "$name"
        said="/etc/ld.so.preload makes every program load $json, which"
        if [ -z "$library" ]; then
            # What only root can make harms nothing until then: every program prints a line and works.
            ! others_may_make "$name" ||
                found SP109 /etc/ld.so.preload "$said does not exist, but others than root can make it"
        elif ! has_owner "$library"; then
            found SP109 /etc/ld.so.preload "$said belongs to no package"
        elif ask 60 -V --nodeps --noscripts -f "$library" | grep -q "^[^ ]*5[^ ]* .*$library\$"; then
            found SP109 /etc/ld.so.preload "$said is not as its package shipped it"
        fi
    done <"$work/preload"
}

with_lib() {
    printf %s "$2" | sed "s#[$]LIB/#$1/#; s#[$][{]LIB}#$1#"
}

# Print the file that the loader would take; $LIB is lib64 or lib.
find_library() {
    case $1 in
    */*) set -- "$(with_lib lib64 "$1")" "$(with_lib lib "$1")" ;;
    *) set -- "/lib64/$1" "/usr/lib64/$1" "/lib/$1" "/usr/lib/$1" ;;
    esac
    for candidate in "$@"; do
        [ ! -f "$candidate" ] || { readlink -f -- "$candidate" && return; }
    done
    return 1
}

# others_may_make FILE: somebody else than root may write the folder that it would be in, or one above that.
others_may_make() {
    folder=$(with_lib lib64 "$1")
    # A name alone is looked for in folders of root.
    case $folder in
    /*) folder=${folder%/*} ;;
    *) return 1 ;;
    esac
    others_lead "$folder"
}

# rpm_settings: what rpm reads, runs or loads at its start; the patterns are those of _rpm/settings.py.
rpm_settings() {
    for path in /usr/lib/rpm/macros.d/macros.* /usr/lib/rpm/platform/*/macros /usr/lib/rpm/fileattrs/*.attr \
        /usr/lib/rpm/*/macros /etc/rpm/macros.* /etc/rpm/macros /etc/rpm/*/macros /root/.rpmmacros \
        /root/.config/rpm/macros /usr/lib/rpm/init.lua /usr/lib64/rpm-plugins/*.so /usr/lib/rpm-plugins/*.so \
        /usr/lib/rpm/*/rpmrc /etc/rpmrc /root/.rpmrc /root/.config/rpm/rpmrc; do
        case $path in
        *"$NL"* | *.rpmnew | *.rpmsave | *.rpmorig) ;;
        *) [ ! -f "$path" ] || printf '%s\n' "$path" ;;
        esac
    done
}

# is_literal FILE: it only gives words for names, and for none that decides whom rpm believes.
is_literal() {
    case $1 in
    *.lua | *.so | *rpmrc) return 1 ;;
    esac
    lines=$(sed -e :a -e '/\\$/{' -e N -e 's/\\\n//' -e ta -e '}' "$1") || return 1
    ! printf '%s\n' "$lines" | grep -q -v -E "^[ $TAB]*(#.*|%[A-Za-z_][A-Za-z0-9_]*([ $TAB]+[^%]*)?)?\$" || return 1
    deciding='__|_dbpath|_db_backend|_rpmlock|_keyring|_pkgverify|_vsflags|_rpmconfigdir|_rpmluadir'
    ! printf '%s\n' "$lines" | grep -q -E "^[ $TAB]*%($deciding)"
}

# Sets `obeyed`, one of those that can run something: the package manager would obey it, too.
judge_rpm_settings() {
    comm -12 "$work/settings" "$work/nobodys" >"$work/nobodys-settings"
    comm -12 "$work/settings" "$work/changed" >"$work/changed-settings"
    while IFS= read -r path; do
        severity=''
        json_text "$path"
        if is_literal "$path"; then severity=info; else obeyed=$path; fi
        found SP304 "$path" "each rpm and package manager obeys $json, which belongs to no package" "$severity"
    done <"$work/nobodys-settings"
    while IFS= read -r path; do
        ! is_literal "$path" || continue
        json_text "$path"
        obeyed=$path
        found SP304 "$path" "each rpm and package manager obeys $json, which is not as its package shipped it"
    done <"$work/changed-settings"
}

judge_selinux() {
    [ -n "$selinux" ] && [ -f /etc/selinux/config ] || return 0
    setting='^[[:space:]]*SELINUX[[:space:]]*=[[:space:]]*([A-Za-z0-9_]+).*'
    mode=$(sed -n -E "/$setting/{s/$setting/\\1/p;q;}" /etc/selinux/config)
    [ -z "$mode" ] || [ "$mode" = "$selinux" ] ||
        found SP212 /etc/selinux/config "SELinux is configured as $mode; the vendor ships $selinux"
}

# --- packages --------------------------------------------------------------------------------------------------------

# Sets unlinked: the links of which the package that has them in this release is not installed.
find_unlinked() {
    unlinked=''
    while IFS=$TAB read -r path before later; do
        if is_in "$before" "$installed" && ! is_in "$later" "$installed" && ! record "$path"; then
            unlinked="$unlinked$path$NL"
        fi
    done <<EOF
$moved
EOF
}

judge_unlinked() {
    while IFS=$TAB read -r path _before later; do
        if [ -n "$path" ] && is_in "$path" "$NL$unlinked"; then
            found SP301 "$path" "the package $later is not installed, from which $path comes in this release" major
        fi
    done <<EOF
$moved
EOF
}

judge_packages() {
    judge_unlinked
    for name in $lacking; do
        found SP301 '' "the package $name is not installed"
    done
    for name in $repeated; do
        is_in "$name" "$unfinished" || found SP301 '' "the package $name is recorded more than once"
    done
    for name in $unfinished; do
        found SP303 '' "an upgrade of the package $name was broken off: several releases of it are recorded"
    done
}

# What the package manager would load or start beside its own files, as _audit/manager_plugins.py has it: $work/plugins. Sets
# `untold`, what leads to plugins that cannot be told.
list_plugins() {
    untold='' folders=$plugin_places
    [ -z "$plugin_conf" ] || [ ! -f "$plugin_conf" ] || read_plugin_settings
    while IFS= read -r folder; do
        [ -d "$folder" ] || continue
        ! others_lead "$folder" || untold=$open_folder
        find "$folder/" | head -n 2001 >"$work/below"
        while IFS= read -r path; do
            if [ -d "$path" ] && [ ! -L "$path" ]; then
                printf '%s\n' "$path" >>"$work/plugin-folders"
            elif exists "$path"; then
                printf '%s\n' "$path" >>"$work/plugins"
            else
                # A name with a newline.
                untold=$folder
            fi
        done <"$work/below"
    done <<EOF
$folders
EOF
    printf '%s' "$folders$plugin_conf$NL" >>"$work/plugin-folders"
    [ -s "$work/plugins" ] || return 0
    [ "$(wc -l <"$work/plugins")" -le 2000 ] || untold=${plugin_conf:-$folder}
    list_behind_plugins
    sort -u -o "$work/plugins" "$work/plugins"
}

# The folders that dnf.conf names, as libdnf reads it. Sets `folders`, and `untold` for one that is not to be looked up.
read_plugin_settings() {
    key='' named='' on='' off=''
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in
        [\ $TAB]*) value=$line ;;
        *=*) key=${line%%=*} value=${line#*=} ;;
        *) key='' ;;
        esac
        case ${key%%[ "$TAB"]*} in
        pluginpath) named="$named$value$NL" ;;
        plugins)
            case $(printf %s "$value" | tr -d " $TAB\r\"'" | tr '[:upper:]' '[:lower:]') in
            0 | no | false | off) off=1 ;;
            *) on=1 ;;
            esac
            ;;
        esac
    done <"$plugin_conf"
    [ -n "$on" ] || [ -z "$off" ] || { folders='' && return; }
    [ -n "$named" ] || return 0
    named=$(printf %s "$named" | tr ', \r' "$NL$NL$NL" | sed "s/^[$TAB]*[\"']\{0,1\}//; s/[\"']\{0,1\}[$TAB]*\$//")
    while IFS= read -r folder; do
        case $folder in
        '') ;;
        /*) case $folder in
            *[]\*?[{}\"\'\\\$$TAB]*) untold=$plugin_conf ;;
            *) folders="$folders$folder$NL" ;;
            esac ;;
        *) untold=$plugin_conf ;;
        esac
    done <<EOF
$named
EOF
}

# What links lead to, and who starts those of zypper that are scripts; that may be the system's Python.
list_behind_plugins() {
    while IFS= read -r path; do
        [ ! -L "$path" ] || readlink -f -- "$path"
        interpreter=''
        [ -n "$plugin_conf" ] || [ ! -f "$path" ] || find_script_interpreter "$path"
        [ -z "$interpreter" ] || printf '%s\n' "$interpreter"
    done <"$work/plugins" >"$work/behind"
    cat "$work/behind" >>"$work/plugins"
    ! grep -q -x -F -e "$command_name" "$work/behind" || manager_interpreter=$(readlink -f -- "$command_name")
}

find_script_interpreter() {
    IFS= read -r line <"$1" || true
    case $line in
    '#!'*) line=${line#??} ;;
    *) return ;;
    esac
    set -f
    # shellcheck disable=SC2086  # its words
    set -- $line
    set +f
    interpreter=${1:-}
    [ "${interpreter##*/}" = env ] || return 0
    [ "${2:-}" != -S ] || shift
    [ -z "${2:-}" ] || interpreter=/usr/bin/$2
}

# Sets `plugin`, one that no package vouches for.
judge_plugins() {
    plugin=$untold
    [ -n "$plugin" ] || [ ! -s "$work/plugins" ] ||
        plugin=$(sort -m "$work/nobodys" "$work/changed" | comm -12 - "$work/plugins")
    plugin=${plugin%%"$NL"*}
}

# The package manager is never started: it is said to be broken when something that it would run does not verify.
judge_manager() {
    [ -n "$manager" ] && exists "$manager" || return 0
    because=$open_way
    while IFS=$TAB read -r _kind package path; do
        if is_in "$package" "$NL$manager_packages" || [ "$path" = "$manager" ]; then
            because=$path
        elif [ -n "$manager_interpreter" ]; then
            case $path in
            "$manager_interpreter") because=$path ;;
            "${manager_interpreter%/*}"/*) ;;
            *)
                if is_in "$package" "$NL$required" && ! is_in "$path" "$link_paths"; then
                    because=$path
                fi
                ;;
            esac
        fi
        [ -z "$because" ] || break
    done <"$work/drift"
    [ -z "$manager_interpreter" ] || because=${because:-$foreign}
    [ -z "$manager_interpreter" ] || [ -z "$blocks$(cat "$work/astray")" ] ||
        because=${because:-what Python would import with it}
    [ -z "$manager_interpreter" ] || [ -z "$lacking" ] || because=${because:-a package that is not installed}
    because=${because:-${obeyed:-$plugin}}
    [ -n "$because" ] || return 0
    json_text "$because"
    found SP211 "$manager" "$manager cannot be trusted to start because of $json"
}

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

# --- one check -------------------------------------------------------------------------------------------------------

judge() {
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
        fingerprint
        return 0
    fi
    # First what is to be watched, then its fingerprint, then the verdict: what changes in between is seen the next time.
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
    fingerprint
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
            "$(tail -c 300 "$work/notified")" >&3
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
