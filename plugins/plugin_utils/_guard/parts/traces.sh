# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2154  # variables of other parts

# --- other Pythons in folders of the operating system ----------------------------------------------------------------

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
        ! is_accepted SP210 "$path" || continue
        told="$told$version$NL"
        json_text "$path"
        found SP210 "$path" "no package owns $json in a folder of the operating system, and perhaps more of a Python ${version#-}"
    done <"$work/versions"
}
