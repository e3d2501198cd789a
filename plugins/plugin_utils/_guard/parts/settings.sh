# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # variables of other parts

# --- settings files, and the search paths in them --------------------------------------------------------------------

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

judge_selinux() {
    [ -n "$selinux" ] && [ -f /etc/selinux/config ] || return 0
    setting='^[[:space:]]*SELINUX[[:space:]]*=[[:space:]]*([A-Za-z0-9_]+).*'
    mode=$(sed -n -E "/$setting/{s/$setting/\\1/p;q;}" /etc/selinux/config)
    [ -z "$mode" ] || [ "$mode" = "$selinux" ] ||
        found SP212 /etc/selinux/config "SELinux is configured as $mode; the vendor ships $selinux"
}
