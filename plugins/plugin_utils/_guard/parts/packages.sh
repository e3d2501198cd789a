# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # variables of other parts

# --- packages, and what rpm obeys ------------------------------------------------------------------------------------

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

# Sets `obeyed`, one of those that can run something: the package manager would obey it, too.
judge_rpm_settings() {
    comm -12 "$work/settings" "$work/nobodys" >"$work/nobodys-settings"
    comm -12 "$work/settings" "$work/changed" >"$work/changed-settings"
    while IFS= read -r path; do
        severity=''
        json_text "$path"
        if is_literal "$path"; then severity=info; else is_accepted SP304 "$path" || obeyed=$path; fi
        found SP304 "$path" "each rpm and package manager obeys $json, which belongs to no package" "$severity"
    done <"$work/nobodys-settings"
    while IFS= read -r path; do
        ! is_literal "$path" || continue
        json_text "$path"
        is_accepted SP304 "$path" || obeyed=$path
        found SP304 "$path" "each rpm and package manager obeys $json, which is not as its package shipped it"
    done <"$work/changed-settings"
}

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
            found SP301 "$path" "the package $later is not installed, from which $path comes in this release" major "$later"
        fi
    done <<EOF
$moved
EOF
}

judge_packages() {
    judge_unlinked
    for name in $lacking; do
        found SP301 "$(binary_of "$name")" "the package $name is not installed" '' "$name"
    done
    for name in $repeated; do
        is_in "$name" "$unfinished" || found SP301 '' "the package $name is recorded more than once" '' "$name"
    done
    for name in $unfinished; do
        found SP303 '' "an upgrade of the package $name was broken off: several releases of it are recorded" '' "$name"
    done
}

# binary_of PACKAGE: prints the first program that the contract has of it.
binary_of() {
    while IFS=$TAB read -r path package; do
        [ "$package" != "$1" ] || break
        path=''
    done <<EOF
$binaries
EOF
    printf %s "$path"
}
