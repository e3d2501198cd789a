# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # variables of other parts

# --- what Python would import, and no package owns -------------------------------------------------------------------

# importable PATH
importable() {
    case $1 in
    */__pycache__) return 1 ;;
    *.py | *.so | *.pth | *.pyc | *.egg-link) return 0 ;;
    */site-packages/*/* | */dist-packages/*/*) ;;
    */site-packages/*.egg | */site-packages/*.egg-info | */dist-packages/*.egg | */dist-packages/*.egg-info) return 0 ;;
    esac
    [ -d "$1" ]
}

# is_startup_file PATH: by its name, Python reads it by itself when it starts.
is_startup_file() {
    case ${1##*/} in
    *.pth | sitecustomize | sitecustomize.* | usercustomize | usercustomize.*) return 0 ;;
    esac
    return 1
}

# runs_at_startup PATH: Python runs it by itself when it starts, or others than root decide what it finds there.
runs_at_startup() {
    is_startup_file "$1" || return 1
    case $1 in
    *.pth) ;;
    *) return 0 ;;
    esac
    ! is_open_to_others "$1" || return 0
    # Python passes over a folder, and what is not there; a FIFO keeps it waiting.
    [ -e "$1" ] && [ ! -d "$1" ] || return 1
    [ -f "$1" ] || return 0
    path_file_lines "$1"
    ! grep -q "^import[ $TAB]" "$work/path-file" || return 0
    while IFS= read -r added_line; do
        added_folder "$1" "$added_line"
        ! others_lead "$added" || return 0
    done <"$work/path-file"
    return 1
}

# path_file_lines PATH: makes $work/path-file, what counts of a path configuration file (CPython, Lib/site.py). Since 3.13
# a line ends where it does for str.splitlines.
path_file_lines() {
    tr '\0\r\f\v\034-\036' '\001\n' <"$1" | sed 's/\xc2\x85\|\xe2\x80[\xa8\xa9]/\n/g; 1s/^\xef\xbb\xbf//' |
        grep -a -v -e '^#' -e '^[[:space:]]*$' | sort -u >"$work/path-file"
}

# added_folder PATH LINE: sets `added` to the folder that this line of the path configuration file means.
added_folder() {
    case $2 in
    /*) added=$2 ;;
    *) added=${1%/*}/$2 ;;
    esac
    added=${added%"${added##*[![:space:]]}"}
}

# adds_module PATH: in the folders that a path configuration file adds, which come behind its own, is something that comes
# before packaged modules, or that is asked for and not there before.
adds_module() {
    path_file_lines "$1"
    later=$NL$sites
    later=${later#*"$NL${1%/*}$NL"}
    later=${later#"$NL"}
    earlier_names=$(module_names "${sites%"$later"}" '')
    later_names=$(module_names "$later" "$work/planted")
    while IFS= read -r added_line; do
        added_folder "$1" "$added_line"
        [ ! "$added" -ef "${1%/*}" ] || continue
        for one in "$added"/*; do
            comes_before "$one" "$later_names" || continue
            ! is_in "$module" "$earlier_names$NL" || is_in "$module" "$later_names$NL" || continue
            return 0
        done
    done <"$work/path-file"
    return 1
}

# is_open_to_others PATH: others than root may change it; the way to it is a matter of its own.
is_open_to_others() {
    if [ -L "$1" ]; then others_lead "$1"; else others_change "$(stat -c '%u %A' -- "$1")"; fi
}

# $work/unknown: what Python would import, or take its library by, in the folders of packages, and in those of scripts what
# has the name of a module. $work/beside: what it would in those of administrators and users. None of it is of a package
# of the contract. Names with a newline, which no package has, go to $work/odd and $work/odd-beside.
list_unknown() {
    : >"$work/odd"
    : >"$work/odd-beside"
    list_names ''
    list_astray
    seen=''
    {
        for path in $landmarks $archives; do
            ! exists "$path" || printf '%s\n' "$path"
        done
        printf '%s' "$libraries" >"$work/queue"
        walk_folders "$work/queue"
        folders_of_sites >"$work/sites"
        walk_folders
        for folder in $scripts; do
            list_beside "$folder" "$library_names$NL$site_names" "$work/odd"
        done
    } >"$work/listed"
    sort -u "$work/listed" | comm -23 - "$work/owned" >"$work/unknown"
    for folder in $local_folders $user_folders; do
        list_beside "$folder" "$site_names" "$work/odd-beside" startup
    done | sort -u | comm -23 - "$work/owned" >"$work/beside"
}

# The folders for add-on modules, and those below them that packages of the contract own.
folders_of_sites() {
    printf '%s' "$sites"
    sed -n -E "s#^${column}d$column$column$column(($in_sites)/)#\\1#p" "$work/files"
}

# walk_folders [QUEUE]: prints what is importable in the folders of $work/sites, or of the queue and at every depth below.
walk_folders() {
    while IFS= read -r folder; do
        list_folder "$folder" || continue
        [ $# -eq 0 ] || for path in "$folder"/* "$folder"/.[!.]*; do
            case $path in
            */site-packages | */dist-packages | */__pycache__ | *"$NL"*) ;;
            *) [ ! -d "$path" ] || printf '%s\n' "$path" >>"$1" ;;
            esac
        done
    done <"${1:-"$work/sites"}"
}

# list_folder FOLDER: prints what is importable in it; fails for a link astray, and for one that was followed before.
list_folder() {
    [ -d "$1" ] || return 1
    if [ -L "$1" ]; then
        ! is_in "$1" "$astray" || return 1
        real=$(readlink -f -- "$1")
        ! is_in "$real" "$seen" || return 1
        seen="$seen$real$NL"
    fi
    for path in "$1"/* "$1"/.[!.]*; do
        case $path in
        *"$NL"*) ! importable "$path" || printf '%s\0' "$path" >>"$work/odd" ;;
        */site-packages | */dist-packages) ;;
        *) ! importable "$path" || printf '%s\n' "$path" ;;
        esac
    done
    case $1 in
    */site-packages* | */dist-packages*) return 0 ;;
    esac
    for path in "$1/__pycache__/"*"$bytecode"; do
        [ ! -f "$path" ] || printf '%s\n' "$path"
    done
}

# list_names LIST: the names of the modules in the library and in the folders for add-on modules, without those of the list.
list_names() {
    library_names=$(module_names "$libraries" "$1")
    site_names=$(module_names "$sites" "$1")
    minor=${libraries%%"$NL"*}
    minor=${minor##*python}
    bytecode=.cpython-${minor%%.*}${minor#*.}.pyc
}

module_names() {
    if [ -s "$2" ]; then
        contents "$1" | sort -u | comm -23 - "$2" | to_names
    else
        contents "$1" | to_names
    fi
}

contents() {
    for folder in $1; do
        printf '%s\n' "$folder"/* "$folder"/lib-dynload/*
    done
}

to_names() {
    sed -n -E 's#.*/([A-Za-z_][A-Za-z0-9_]*)((\.[^./]*)*\.(py|so|pyc))?$#\1#p'
}

# list_beside FOLDER NAMES ODD [startup]: prints what comes before modules with these names, and what is read at the start.
list_beside() {
    for path in "$1"/* "$1"/.[!.]*; do
        if [ -n "${4-}" ] && is_startup_file "$path" && exists "$path"; then
            case $path in
            *"$NL"*) printf '%s\0' "$path" >>"$3" ;;
            *) printf '%s\n' "$path" ;;
            esac
        elif comes_before "$path" "$2"; then
            printf '%s\n' "$path"
        fi
    done
}

# comes_before PATH NAMES: Python takes it for one of these modules, or finds with it what it only asks for.
comes_before() {
    name=${1##*/}
    module=${name%%.*}
    case $name in
    *.py | *.so | *.pyc) ;;
    "$module") [ -d "$1" ] || return 1 ;;
    *) return 1 ;;
    esac
    is_in "$module" "$asked_for" || { is_in "$module" "$2$NL" && is_module "$1"; }
}

# A folder without __init__ hides nothing, although it answers for what nobody else has.
is_module() {
    [ -d "$1" ] || return 0
    for initial in "$1"/__init__.*; do
        [ ! -e "$initial" ] || return 0
    done
    return 1
}

# Sets `astray`: folders of packaged modules that are links which others than root can lead elsewhere.
list_astray() {
    with_words "$NL" "$(sed -n -E "s#^($column)d$column$column$column(($in_library|$in_sites)(/.*)?)\$#\\1\\2#p" "$work/files")" \
        note_astray >"$work/astray"
    astray=$(cut -f 1 "$work/astray")$NL
}

# note_astray LINE...: package and path of folders.
note_astray() {
    for line in "$@"; do
        package=${line%%"$TAB"*} path=${line#*"$TAB"}
        if ! [ -L "$path" ] || ! [ -d "$path" ] || ! others_lead "$path"; then continue; fi
        printf '%s\t%s\t%s\n' "$path" "$package" "$open_folder"
    done
}

judge_astray() {
    while IFS=$TAB read -r path package open_folder; do
        json_text "$open_folder"
        open_folder=$json
        json_text "$path"
        found SP214 "$path" "$json of the package $package is a link, and others than root may write $open_folder: they decide what the system's Python imports"
    done <"$work/astray"
}

# Takes out of the lists what packages beyond the contract own.
drop_owned() {
    cat "$work/unknown" "$work/beside" "$work/traces" >"$work/candidates"
    in_portions "$work/candidates" 100 ask 300 -qf --qf '[%{FILENAMES}\n]' -- >"$work/owners" || return 1
    sort -u "$work/owners" >"$work/others"
    confirm_unowned
    comm -23 "$work/unknown" "$work/others" >"$work/planted"
    comm -23 "$work/beside" "$work/others" >"$work/outside"
    comm -23 "$work/traces" "$work/others" >"$work/unowned"
}

# What the index of files denies must not be in a package's record, either: an index may have lost entries.
confirm_unowned() {
    sort -u "$work/candidates" | comm -23 - "$work/others" >"$work/denied"
    [ -s "$work/denied" ] || return 0
    ask 300 -qa --qf '[%{FILENAMES}\n]' | sort -u | comm -12 "$work/denied" - >"$work/recorded"
    [ -s "$work/recorded" ] || return 0
    sort -u -o "$work/others" "$work/others" "$work/recorded"
    IFS= read -r path <"$work/recorded"
    trouble="its answers contradict each other: rpm -qf finds no owner of $path, but a package has it in its record"
    report_unreadable_database
}

judge_unknown() {
    blocks=''
    [ -z "$lacking" ] || return 0
    [ ! -s "$work/planted" ] || list_names "$work/planted"
    judge_each judge_planted "$work/planted" "$work/odd"
    [ "$shown" -le 20 ] || found SP209 '' "no package owns $((shown - 20)) more files that the system's Python finds"
    judge_each judge_outside "$work/outside" "$work/odd-beside"
    [ "$shown" -le 20 ] || found SP213 '' "the system's Python runs or imports $((shown - 20)) more files that no package owns"
}

# judge_each FUNCTION LIST ODD: calls it for each path of the list that is not inside another one, and for the odd ones.
judge_each() {
    shown=0
    [ -s "$2" ] || [ -s "$3" ] || return 0
    folders=$NL$(sed 's|/[^/]*$||' "$2" | sort -u | comm -12 - "$2")$NL
    inside=$NL
    while IFS= read -r path; do
        case $path in
        "$inside"/*) continue ;;
        esac
        ! is_in "${path%/*}" "$folders" || {
            inside=${path%/*}
            continue
        }
        "$1" "$path"
    done <"$2"
    # The shell reads no NUL: a newline becomes another character on the way.
    tr '\n\0' '\001\n' <"$3" >"$work/odd-lines"
    while IFS= read -r path; do
        "$1" "$(printf %s "$path" | tr '\001' '\n')"
    done <"$work/odd-lines"
}

# hides_module PATH: Python imports it, or what it adds to the path, in the place of what packages have, or as a part of that.
hides_module() {
    case $1 in
    */site-packages/*/* | */dist-packages/*/*) return 0 ;;
    */site-packages/*.pth | */dist-packages/*.pth) adds_module "$1" ;;
    */site-packages/* | */dist-packages/*) comes_before "$1" "$site_names" ;;
    *) ! is_in "${1%/*}" "$scripts" || comes_before "$1" "$library_names$NL$site_names" ;;
    esac
}

judge_planted() {
    ! is_accepted SP209 "$1" || return 0
    severity='' said="which the system's Python finds"
    if runs_at_startup "$1"; then
        blocks=yes
    elif is_in "${1%/*}" "$scripts"; then
        hides_module "$1" || return 0
    elif hides_module "$1"; then
        blocks=yes
    else
        severity=minor said="an add-on to the system's Python"
    fi
    shown=$((shown + 1))
    [ "$shown" -le 20 ] || return 0
    [ -z "$severity" ] || ! is_open_to_others "$1" || pip_installed "$1" || severity=''
    json_text "$1"
    found SP209 "$1" "no package owns $json, $said" "$severity"
}

judge_outside() {
    ! is_accepted SP213 "$1" || return 0
    severity='' said='programs of the system would import'
    if runs_at_startup "$1"; then
        said="the system's Python runs whenever it starts"
    elif ! hides_module "$1"; then
        return 0
    fi
    shown=$((shown + 1))
    [ "$shown" -le 20 ] || return 0
    hides_module "$1" || ! pip_installed "$1" || severity=minor
    json_text "$1"
    found SP213 "$1" "$said $json, and no package owns it" "$severity"
}

pip_installed() {
    case $1 in
    *.dist-info | *.egg-info) [ -f "$1/INSTALLER" ] ;;
    *) if [ -d "$1" ]; then pip_claims "$1/__init__.py"; else pip_claims "$1"; fi ;;
    esac
}
