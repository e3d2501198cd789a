# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2034  # variables of other parts

# --- who may write the way to a file ---------------------------------------------------------------------------------

exists() {
    [ -e "$1" ] || [ -L "$1" ]
}

# readlink keeps a newline at the end of a target, the shell does not.
link_text() {
    text=$(readlink -n -- "$1" && printf .)
    text=${text%.}
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
