# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

# PRIVATE to the collection. What every first-aid script begins with; the controller puts `mark` and the settings in front.
# Only the shell's own commands, coreutils and rpm are used: minimal images have no find, no xargs and no awk.
# shellcheck disable=SC2034,SC2154  # used by the scripts that follow; mark is set by the controller

user_home=${HOME-/root}
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
LANGUAGE=C
HOME=/root
export PATH LC_ALL LANGUAGE HOME
unset IFS CDPATH ENV BASH_ENV RPM_CONFIGDIR RPM_POPTEXEC_PATH XDG_CONFIG_HOME
unalias -a
umask 022
# A remark of the loader, of sudo or of rpm is no part of an answer, also where a terminal has both streams in one.
exec 2>/dev/null
NL='
'
TAB='	'

# A section of the answer: a line that begins with the run's random mark, then the body up to the next one.
section() {
    printf '\n%s %s\n' "$mark" "$*"
}

# answer HEADING TEXT: a section with one text.
answer() {
    section "$1"
    printf '%s\n' "$2"
}

# show_encoded FILE: its content, in one line.
show_encoded() {
    base64 -w 0 "$1" && printf '\n'
}

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

# cut_short STATUS: what has this exit code did not come to its end.
cut_short() {
    case $1 in
    124 | 137 | 139 | 141) ;;
    *) return 1 ;;
    esac
}

# ask SECONDS ARGUMENT... or ask_by PROGRAM SECONDS ARGUMENT...: what rpm answers with its vendor's macros only, and without
# aliases: see docs/notes/asking-rpm.md.
ask() {
    ask_by rpm "$@"
}

ask_by() {
    program=$1 seconds=$2
    shift 2
    limited "$seconds" env RPM_CONFIGDIR=/dev/null HOME=/dev/null "$program" --rcfile /usr/lib/rpm/rpmrc \
        --macros /usr/lib/rpm/macros --dbpath "$database" "$@"
}

# captured COMMAND...: sets `output`, which is data, `errors`, which are remarks until it fails, and `status`.
captured() {
    streams=$({
        output=$("$@" 2>&3 3>&-)
        printf '\n%s %s\n%s.' "$mark" "$?" "$output"
    } 3>&1)
    case $streams in
    "$NL$mark "*) errors='' streams=${streams#"$NL$mark "} ;;
    *)
        # Not by the shell's patterns, which take the square of the time.
        errors=$(printf '%s\n' "$streams" | sed "/^$mark /,\$d")
        streams=$(printf '%s\n' "$streams" | sed -n "/^$mark /,\$p")
        streams=${streams#"$mark "}
        ;;
    esac
    status=${streams%%"$NL"*}
    output=${streams#*"$NL"}
    output=${output%.}
    [ "${#errors}" -lt $((most_errors - 1)) ] || status=141
}

# explained COMMAND...: as captured; where it failed, `output` has both streams, for people to read.
explained() {
    captured "$@"
    [ "$status" -eq 0 ] || output=$output$NL$errors
}

# verify PACKAGE... or -f PATH...: the answer of rpm -V; nothing of a package is run for it.
verify() {
    ask 300 -V --nodeps --noscripts "$@"
}

# verified PACKAGE... or -f PATH...: as captured; where rpm failed and has no answer, `output` says why.
verified() {
    captured verify "$@"
    [ "$status" -eq 0 ] || [ -n "$output" ] || output=${errors:-"rpm -V ended with exit code $status"}
}

# What the packages of this system are made for: that of rpm's own. The kernel's may be another one (AlmaLinux builds
# x86_64_v2 packages).
system_architecture() {
    made_for=$(ask 60 -q --qf '%{ARCH}\n' rpm 2>/dev/null) || made_for=$(uname -m)
    printf '%s\n' "${made_for%%"$NL"*}"
}

# One word a line, of which none is a pattern; split_words ends it.
split_lines() {
    IFS=$NL
    set -f
}

split_words() {
    unset IFS
    set +f
}

exists() {
    [ -e "$1" ] || [ -L "$1" ]
}

digest_of_text() {
    printf '%s' "$1" | sha256sum | cut -d ' ' -f 1
}

digest_of_file() {
    sha256sum <"$1" | cut -d ' ' -f 1
}

# The text of rpm's own errors, without those that only say that an asked path does not exist.
rpm_errors() {
    while IFS= read -r line; do
        case $line in
        'error: file '*': No such file or directory' | '') ;;
        'error: '* | 'warning: using dummy database'*) printf '%s\n' "$line" ;;
        esac
    done
}

# believed: after captured ask, whether rpm came to its end and could read its database; if not, `trouble` is why. What it
# complains of whatever it is asked, as of a line of its macros, is a remark.
believed() {
    trouble=''
    case $status in
    0) return 0 ;;
    124) trouble="rpm did not answer within its time limit" ;;
    137) trouble="rpm did not answer within its time limit and had to be killed" ;;
    139) trouble="rpm was ended by signal 11" ;;
    141) trouble="rpm printed without end and was stopped" ;;
    126 | 127) [ -n "$output" ] || trouble="rpm itself cannot be run: ${errors:-exit code $status}" ;;
    esac
    [ -z "$trouble" ] || return 1
    trouble=$(printf '%s\n' "$errors" | rpm_errors)
    [ -n "$trouble" ] || return 0
    # Sets neither status nor output, which are still wanted.
    usual=$(ask 20 --eval '' 2>&1 >/dev/null | rpm_errors)
    trouble=$(printf '%s\n' "$usual" "$usual" "$trouble" | sort | uniq -u)
    [ -z "$trouble" ]
}

# leads_astray PATH: a link that stands for a folder, and leads through a folder that others than root may write. rpm takes
# a link to a folder for the folder itself, and looks only at that one.
leads_astray() {
    [ -L "$1" ] && [ -d "$1" ] && others_lead "$1"
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
            text=$(readlink -n -- "$walked/$part" && printf .)
            text=${text%.}
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

# open_folders FOLDER...: those of them, and of all above them, that others than root may change. The bits of the group are
# the most that an access control list gives anybody.
open_folders() {
    folders=$(for walked in "$@"; do
        walked=$(readlink -f -- "$walked")
        while [ -n "${walked#/}" ]; do
            printf '%s\n' "$walked"
            walked=${walked%/*}
        done
    done | sort -u)
    # shellcheck disable=SC2086  # one folder a line
    (split_lines && stat -c '%u %A %n' -- / $folders) | while read -r owner mode folder; do
        case "$owner $mode" in
        '0 d'????[!w]??[!w]?) ;;
        *) printf '%s\n' "$folder" ;;
        esac
    done
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

find_database
