# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2154  # variables of other parts

# --- what the loader takes -------------------------------------------------------------------------------------------

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
        is_accepted SP110 "$library" || foreign=${foreign:-$library}
        json_text "$library"
        found SP110 "$library" "the loader takes $json for the system's Python, which belongs to no package"
    done <"$work/nobodys-libraries"
    while IFS= read -r library; do
        is_accepted SP110 "$library" || foreign=${foreign:-$library}
        json_text "$library"
        found SP110 "$library" "the loader takes $json for the system's Python, which is not as its package shipped it"
    done <"$work/changed-libraries"
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
        elif ask 60 -V --nodeps --noscripts -f -- "$library" | grep -q "^[^ ]*5[^ ]* .*$library\$"; then
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
