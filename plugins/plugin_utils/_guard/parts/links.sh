# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2154  # variables of other parts

# --- links -----------------------------------------------------------------------------------------------------------

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
