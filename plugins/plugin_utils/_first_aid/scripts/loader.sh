# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

# PRIVATE to the collection. Which libraries the dynamic loader takes, by its cache (ld.so(8), ldconfig(8)). Nothing is
# started, and files are only searched for names: one that stands in a file is not always wanted by it, so these are too
# many rather than too few. Goes before probe.sh, whose functions it uses.
# shellcheck disable=SC2034,SC2154  # set or used by the other scripts

# Sets `loader_cache`, NAME, "some" for what is for certain processors, and PATH of each library for programs of 64 bit,
# of one name in the order in which they are taken; `taken`, NAME and PATH of those that may be taken; and `elsewhere`,
# the same of those outside of the loader's own folders and that of the C library.
read_loader_cache() {
    told=$(ldconfig -p 2>/dev/null </dev/null |
        sed -n "s/^[[:space:]]*\([^ ]*\) (\([^)]*\)) => \(.*\)\$/\1$TAB\2$TAB\3/p")
    form=$(printf '%s\n' "$told" | grep -m 1 -E "$TAB(/usr)?/lib64/" | cut -f 2 | cut -d , -f 1-2)
    # Not piped into a loop: a shell reads a pipe byte by byte, and this runs on every healthy host.
    loader_cache=$(printf '%s\n' "$told" | sed -n -e "s/${TAB}${form},[^${TAB}]*hwcap[^${TAB}]*${TAB}/${TAB}some$TAB/p" -e t \
        -e "s/${TAB}${form}${TAB}/${TAB}all$TAB/p" -e t -e "s/${TAB}${form},[^${TAB}]*${TAB}/${TAB}all$TAB/p" | sort -s -t "$TAB" -k 1,1 -k 2,2r)
    split_lines
    taken=$(taken_first)
    c_library=$(printf '%s\n' "$taken" | sed -n "s/^libc\.so\.6$TAB//p" | head -n 1)
    elsewhere=$(for line in $taken; do
        path=${line#*"$TAB"}
        is_own_folder "${path%/*}" || printf '%s\n' "$line"
    done)
    split_words
}

taken_first() {
    sure=''
    for line in $loader_cache; do
        name=${line%%"$TAB"*} line=${line#*"$TAB"}
        [ "$name" != "$sure" ] || continue
        printf '%s\t%s\n' "$name" "${line#*"$TAB"}"
        [ "${line%%"$TAB"*}" = some ] || sure=$name
    done
}

is_own_folder() {
    case $1 in
    /lib64 | /usr/lib64 | /lib | /usr/lib | "${c_library%/*}") return 0 ;;
    esac
    return 1
}

# Every libpython of this version that the loader knows, by its name below /usr.
loader_libraries() {
    names="^libpython${minor}m\{0,1\}[.]so[.]"
    printf '%s\n' "$loader_cache" | grep "$names" | cut -f 3 | while IFS= read -r library; do
        case $library in
        /lib/*) [ ! -L /lib ] || library=/usr$library ;;
        /lib64/*) [ ! -L /lib64 ] || library=/usr$library ;;
        esac
        printf '%s\n' "$library"
    done
}

# What the interpreter, its modules and their libraries would be given from elsewhere although no package owns it. Sets
# `library_folder`: where the right ones are, which the loader is then told.
report_libraries() {
    library_folder=''
    [ -n "$elsewhere" ] || return 0
    find_needed
    suspects=$(lines_named "$needed" "$elsewhere")
    # Where rpm cannot tell, they are nobody's.
    foreign=$(printf '%s\n' "$suspects" | cut -f 2 | grep . | unowned_of) || foreign=$(printf '%s\n' "$suspects" | cut -f 2)
    [ -n "$foreign" ] || return 0
    library_folder=$(right_folders)
    answer "foreign-library $library_folder" "$foreign"
}

# Sets `needed`: the names, a line each, that stand in the interpreter, in its modules, and in what these are given.
find_needed() {
    needed=''
    readers=$(printf '%s\n' "$binary" "$library_path" "$stdlib"/lib-dynload/*.so)
    while [ -n "$readers" ]; do
        # shellcheck disable=SC2086  # one path a line
        names=$(split_lines && grep -a -o -h -E 'lib[A-Za-z0-9_.+-]*[.]so[.0-9]*' -- $readers 2>/dev/null | sort -u)
        fresh=$(printf '%s\n' "$names" "$needed" "$needed" | sort | uniq -u)
        needed=$needed$NL$fresh
        readers=$(lines_named "$fresh" "$taken" | cut -f 2)
    done
}

# lines_named NAMES LINES: the lines that begin with one of the names and a tab.
lines_named() {
    printf '%s\n' "$2" | while IFS= read -r line; do
        case "$NL$1$NL" in
        *"$NL${line%%"$TAB"*}$NL"*) printf '%s\n' "$line" ;;
        esac
    done
}

right_folders() {
    folders=${library_path%/*}
    for folder in $(lines_named "$(printf '%s\n' "$suspects" | cut -f 1)" "$loader_cache" | cut -f 3 | sed 's|/[^/]*$||' | sort -u); do
        case :$folders: in
        *:"$folder":*) ;;
        *) ! is_own_folder "$folder" || folders=$folders:$folder ;;
        esac
    done
    printf '%s\n' "$folders"
}
