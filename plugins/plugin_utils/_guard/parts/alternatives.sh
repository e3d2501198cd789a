# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2154  # variables of other parts

# --- alternatives ----------------------------------------------------------------------------------------------------

is_python_name() {
    case $1 in
    *python* | pip* | pydoc* | idle* | pyvenv* | easy_install* | 2to3*) ;;
    *) return 1 ;;
    esac
    printf '%s\n' "$1" | grep -q -x -E '(unversioned-)?(python|pip|pydoc|idle|pyvenv|easy_install|2to3)(-?[23](\.[0-9]+)?)?(-config)?'
}

# $work/groups: the state files of groups about Python, by a name or by a path that a package of the contract ships.
find_groups() {
    : >"$work/public"
    : >"$work/groups"
    : >"$work/unfinished"
    each_state note_public
    [ -s "$work/public" ] || return 0
    sed -n "/^[^$TAB]*${TAB}[^$TAB]*${TAB}f[^$TAB]*g/!s/.*$TAB//p" "$work/files" | sort -u >"$work/shipped"
    shipped=$NL$(cut -f 1 "$work/public" | sort -u | comm -12 - "$work/shipped")$NL
    while IFS=$TAB read -r path file; do
        ! is_python_name "${path##*/}" && ! is_python_name "${file##*/}" && ! is_in "$path" "$shipped" ||
            printf '%s\n' "$file"
    done <"$work/public" | uniq >"$work/groups"
}

note_public() {
    while IFS=$TAB read -r path _name; do
        place_of "${path:-/}"
        printf '%s\t%s\n' "$place" "$state_file"
    done <<EOF >>"$work/public"
$public
EOF
}

# each_state FUNCTION: calls it for every state file.
each_state() {
    seen=$NL
    while IFS= read -r folder; do
        [ -n "$folder" ] && [ -d "$folder" ] || continue
        real=$(readlink -f -- "$folder")
        ! is_in "$real" "$seen" || continue
        seen="$seen$real$NL"
        for state_file in "$folder"/*; do
            case $state_file in
            *"$NL"*.new) continue ;;
            *.new) printf '%s\n' "$state_file" >>"$work/unfinished" && continue ;;
            *.dpkg-tmp | *.dpkg-new) continue ;;
            esac
            [ -f "$state_file" ] || continue
            parse_group
            "$1"
        done
    done <<EOF
$admin_folders
EOF
}

# each_group FUNCTION: calls it for every group about Python, and for those of the release that are lost, with group,
# mode, link, public (LINK, NAME a line), choices (PRIORITY, TARGET), followers (TARGET, LINK, NAME, TARGET of the slave),
# own (yes for one of the release) and problem (why its state cannot be read) set.
each_group() {
    present=$NL
    while IFS= read -r state_file; do
        parse_group
        is_own
        [ -z "$own" ] || present="$present$group$NL"
        "$1"
    done <"$work/groups"
    while IFS=$TAB read -r group name link; do
        if [ -n "$group" ] && [ "$group" = "$name" ] && ! is_in "$group" "$present" && is_owned "$link"; then
            mode='' choices='' followers='' own=yes problem='it has no state file' public=$(promised_links)
            "$1"
        fi
    done <<EOF
$groups
EOF
}

# By its name and its link. One that cannot be read has the links of the contract, where a package makes it.
is_own() {
    own='' promised=''
    while IFS=$TAB read -r owner name path; do
        [ "$owner$TAB$name" != "$group$TAB$group" ] || promised=$path
    done <<EOF
$groups
EOF
    [ -n "$promised" ] || return 0
    place_of "$promised"
    promised=$place
    place_of "${link:-$promised}"
    [ "$place" = "$promised" ] || return 0
    if [ -z "$problem" ]; then
        own=yes
    elif is_owned "$promised"; then
        own=yes link=$promised public=$(promised_links)
    fi
}

promised_links() {
    printf '%s' "$groups" | sed -n "s/^$group$TAB\\([^$TAB]*\\)$TAB\\(.*\\)/\\2$TAB\\1/p"
}

# next_line: sets `line` to the next one of the state file; behind a last newline comes one more, which is empty.
next_line() {
    IFS= read -r line <&3 && return 0
    [ -z "$ended" ] || return 1
    ended=yes
}

wrong() {
    problem=${problem:-$1}
}

parse_group() {
    group=${state_file##*/} problem='' mode='' link='' slaves='' choices='' followers='' ended=''
    parse_lines 3<"$state_file" || wrong 'it cannot be read'
    [ -n "$choices" ] || wrong 'it offers nothing'
    [ -z "$problem" ] || choices='' followers=''
    case $link in
    /*) public="$link$TAB$group$NL$slaves" ;;
    *) link='' public='' ;;
    esac
    [ -z "$problem" ] || public=$public$(led_through)
}

parse_lines() {
    ! next_line || mode=$line
    ! next_line || link=$line
    case $mode:$link in
    auto:/* | manual:/*) ;;
    *) wrong 'it does not begin with auto or manual and a link' ;;
    esac
    while [ -z "$problem" ]; do
        next_line || wrong 'it is cut off'
        [ -n "$line" ] || break
        name=$line
        next_line || wrong 'it is cut off'
        case $name:$line in
        /*) wrong 'it has a path where a name belongs' ;;
        *:/*) slaves="$slaves$line$TAB$name$NL" ;;
        *) wrong 'a slave has no link' ;;
        esac
    done
    while [ -z "$problem" ] && next_line && [ -n "$line" ]; do
        parse_choice
    done
    while [ -z "$problem" ] && next_line; do
        [ -z "$line" ] || wrong 'it continues after its end'
    done
}

parse_choice() {
    choice=$line
    next_line || wrong 'it is cut off'
    priority=${line#@*@}
    priority=${priority%% *}
    case $choice:${priority#-} in
    [!/]* | *: | *:*[!0-9]*) wrong 'a choice is no path with a priority' ;;
    esac
    choices="$choices$priority$TAB$choice$NL"
    while IFS=$TAB read -r path name; do
        [ -n "$path" ] || continue
        next_line || wrong 'it is cut off'
        case $line in
        '') ;;
        /*) followers="$followers$choice$TAB$path$TAB$name$TAB$line$NL" ;;
        *) wrong 'the target of a slave is no path' ;;
        esac
    done <<EOF
$slaves
EOF
}

# The commands of the contract that lead to the entry of a group whose state cannot be read.
led_through() {
    printf '%s\n' "$command_name" "$link_paths" | sort -u | while IFS= read -r path; do
        [ -z "$path" ] || ! leads_to "$path" "$entries/$group" || printf '%s\t%s\n' "$path" "$group"
    done
}

note_group() {
    printf '%s' "$choices" | cut -f 2- >>"$work/targets"
    while IFS=$TAB read -r path name; do
        [ -n "$path" ] || continue
        place_of "$path"
        path=$place
        printf '%s\n' "$path" >>"$work/publics"
        ! leads_to "$path" "$entries/$name" || printf '%s\n' "$path" >>"$work/governed"
    done <<EOF
$public
EOF
}

# Of Python's commands or groups alone: chkconfig's program makes this file with O_EXCL.
judge_unfinished() {
    while IFS= read -r path; do
        group=${path##*/} group=${group%.new}
        is_python_name "$group" || grep -q -x -F -- "${path%.new}" "$work/groups" || continue
        json_text "$path"
        found SP105 "$path" "$json was left by a killed alternatives: no package can register itself in this group"
    done <"$work/unfinished"
}

judge_group() {
    json_text "$group"
    shown_group=$json
    judge_public
    [ -z "$own" ] || judge_own_group
    if [ -n "$problem" ]; then
        found SP105 "${link:-$state_file}" "the alternatives group $shown_group has no readable state: $problem"
        return 0
    fi
    problems='' chosen=''
    leads_to "$link" "$entries/$group" || {
        json_text "$link"
        problems="$json does not lead through it; "
    }
    if [ -L "$entries/$group" ]; then
        led_to "$entries/$group"
        chosen=$place
    else
        problems="${problems}it has no entry in $entries; "
    fi
    judge_choices
    [ -z "$problems" ] || found SP105 "$link" "the alternatives group $shown_group is inconsistent: ${problems%; }"
}

# Adds to `problems`.
judge_choices() {
    registered=''
    while IFS=$TAB read -r _priority choice; do
        [ -n "$choice" ] || continue
        place_of "$choice"
        [ "$place" != "$chosen" ] || registered=$choice
        exists "$choice" || is_owned "$place" || {
            json_text "$choice"
            problems="${problems}the target $json is gone; "
        }
    done <<EOF
$choices
EOF
    [ -z "$chosen" ] || [ -n "$registered" ] || problems="${problems}its entry leads to what is not registered; "
    while IFS=$TAB read -r choice path name follower; do
        [ -n "$own" ] && [ -n "$registered" ] && [ "$choice" = "$registered" ] && [ -e "$follower" ] || continue
        if ! leads_to "$path" "$entries/$name" || ! leads_to "$entries/$name" "$follower"; then
            json_text "$path"
            problems="$problems$json does not lead to what is chosen; "
        fi
    done <<EOF
$followers
EOF
}

# A group may not govern what a package ships, and only one of the release what that leaves to it.
judge_public() {
    while IFS=$TAB read -r path name; do
        [ -n "$path" ] || continue
        place_of "$path"
        path=$place
        if record "$path"; then
            case $flags in
            *g*) package='' ;;
            esac
        else
            package=''
        fi
        if [ -z "$package" ] && [ -z "$own" ] && is_promised "$path"; then
            package=$(ask 60 -qf --qf '%{NAME}\n' -- "$path" | sed -n '1{/ /!p;}')
        fi
        [ -n "$package" ] || continue
        severity=major
        ! main_program "$link" || severity=minor
        json_text "$path"
        found SP104 "${link:-$path}" "the alternatives group $shown_group governs $json, which belongs to the package $package" \
            "$severity"
        return 0
    done <<EOF
$public
EOF
}

is_promised() {
    case $NL$groups in
    *"$TAB$1$NL"*) return 0 ;;
    esac
    return 1
}

# A group that the release itself makes: its commands lead through it, and to what packages own.
judge_own_group() {
    while IFS=$TAB read -r path name; do
        [ -n "$path" ] || continue
        file_of "$path"
        if [ -L "$path" ] && [ -n "$end" ]; then
            if leads_to "$path" "$entries/$name" || has_owner "$path"; then continue; fi
            found SP101 "$path" "$path leads to what no package owns, past the alternatives group $shown_group"
        elif [ -L "$path" ] || [ ! -e "$path" ]; then
            [ "$path" != "$link" ] || found SP103 "$path" "$path leads to no file; the alternatives group $shown_group has a command there"
        else
            found SP102 "$path" "$path is not a link; the alternatives group $shown_group has one there"
        fi
    done <<EOF
$public
EOF
    [ -n "$problem" ] || judge_offers
}

# What no package owns may be offered, but neither be chosen nor come first.
judge_offers() {
    best=0 foreign=''
    while IFS=$TAB read -r priority choice; do
        [ -n "$choice" ] || continue
        place_of "$choice"
        if is_owned "$place"; then
            [ "$priority" -le "$best" ] || best=$priority
        elif [ -e "$choice" ]; then
            foreign="$foreign$priority$TAB$choice$NL"
        fi
    done <<EOF
$choices
EOF
    while IFS=$TAB read -r priority choice; do
        [ -n "$choice" ] || continue
        leads_to "$entries/$group" "$choice" || [ "$priority" -ge "$best" ] || continue
        json_text "$choice"
        found SP104 "$link" "the alternatives group $shown_group has the choice $json, which no package owns"
    done <<EOF
$foreign
EOF
}
