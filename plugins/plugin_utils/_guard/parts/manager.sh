# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2154  # variables of other parts

# --- the package manager and its plugins -----------------------------------------------------------------------------

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
    while IFS=$TAB read -r kind package path; do
        if [ "$kind" = stricter ] || is_accepted '*' "$path"; then
            continue
        elif is_in "$package" "$NL$manager_packages" || [ "$path" = "$manager" ]; then
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
