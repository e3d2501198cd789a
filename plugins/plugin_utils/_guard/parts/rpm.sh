# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # variables of other parts

# --- what the package database says ----------------------------------------------------------------------------------

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
    [ -n "$architecture" ] || architecture=$(ask 60 -q --qf '%{ARCH}\n' -- rpm | head -n 1)
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

# ask_about LIST: of the files in the list, which is sorted, those that no package owns ($work/nobodys) and those whose
# content is not their package's ($work/changed). Those of the contract were verified before.
ask_about() {
    : >"$work/verify-others"
    in_portions "$1" 100 ask 60 -qf --qf '%{NAME}\n' -- >"$work/answers" || return 1
    sed -n 's/^file \(.*\) is not owned by any package$/\1/p' "$work/answers" | sort -u | comm -12 - "$1" >"$work/nobodys"
    grep -v ' ' "$work/answers" | sort -u | grep -v -x -F -e "${installed:-$NL}" >"$work/asked"
    [ ! -s "$work/asked" ] ||
        in_portions "$work/asked" 100 ask 600 -V --nodeps --noscripts -- >"$work/verify-others" || return 1
    sed -n 's/^..5[^ ]*  . //p' "$work/verify" "$work/verify-others" | sort -u | comm -12 - "$1" >"$work/changed"
}

# Where rpm cannot tell, it may be: then that is the finding.
is_owned() {
    [ "${status-}" != unchecked ] || return 0
    ask 60 -qf -- "$1" >/dev/null
    code=$?
    answered "$code" || { report_unreadable_database && return 0; }
    [ "$code" -eq 0 ]
}
