# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

# PRIVATE to the collection. Single files that another host lends where no package file can be had. What a file must be
# says the broken host's own package database: content by its digest, the rest by its record. Needs stage.sh before it.
# Settings: reinstalled (packages that the database knows).
# shellcheck disable=SC2154  # set by the controller, or by the scripts before

# Path, decimal mode, flags, owner, group, mtime, .digest, package:inode, .link target. Dots, because fields may be empty.
record_query='[%{FILENAMES}\t%{FILEMODES}\t%{FILEFLAGS}\t%{FILEUSERNAME}\t%{FILEGROUPNAME}\t%{FILEMTIMES}\t.%{FILEDIGESTS}\t%{=NAME}:%{FILEINODES}\t.%{FILELINKTOS}\n]'

# Sets `records` of the packages' files, `altered_paths` (each with a tab behind), and `shared` (inodes with several names).
read_records() {
    # shellcheck disable=SC2086  # one package a word
    records=$(ask 60 -q --qf "$record_query" $reinstalled)
    shared=$(printf '%s\n' "$records" | cut -f 8 | sort | uniq -d)
    # shellcheck disable=SC2086
    altered_paths=$(verify $reinstalled | while IFS= read -r line; do
        path=/${line#*" /"}
        # A name may end like rpm's note: the records tell which of both it is.
        printf '%s\t\n' "$path" "${path%' (replaced)'}"
    done)
}

# each_altered FUNCTION: calls it for every altered path, folders before what is in them. Sorting brings a path and its
# record together, because looking every path up in a shell takes minutes.
each_altered() {
    sorted=$(printf '%s\n' "$altered_paths" "$records" | sort)
    while IFS=$TAB read -r path mode flags owner group mtime digest inode target; do
        if [ -z "$mode" ]; then
            altered=$path
            continue
        fi
        [ "$path" = "$altered" ] && [ $((flags & 64)) -eq 0 ] || continue
        digest=${digest#.}
        target=${target#.}
        "$1" || return 1
    done <<SORTED
$sorted
SORTED
}

# list_needed: digest and path of the files whose content is not what the database says.
list_needed() {
    read_records
    section needed
    each_altered print_needed
}

print_needed() {
    [ $((mode >> 12 & 15)) -eq 8 ] && [ -n "$digest" ] || return 0
    has_content "$path" || printf '%s  %s\n' "$digest" "$path"
}

# has_content PATH: it is a file with the content that `digest` names.
has_content() {
    [ -f "$1" ] && [ ! -L "$1" ] && [ "$(digest_of_file "$1")" = "$digest" ]
}

# lend_files LIST: on the healthy host; LIST is what list_needed printed. One blob of all contents; digest and size of each.
lend_files() {
    split_lines
    # shellcheck disable=SC2046  # one path a line
    set -- "$1" $(cut -c 67- "$1")
    list=$1
    shift
    # What is printed twice is here and is what it must be. Of the same content under two names one will do.
    good=$({ sort -u "$list" && sha256sum -- "$@" 2>/dev/null; } | sort | uniq -d | sort -u -k 1,1)
    section lent
    if [ -n "$good" ]; then
        # shellcheck disable=SC2046
        set -- $(printf '%s\n' "$good" | cut -c 67-)
        cat -- "$@" >"$staging/blob"
        printf '%s\n' "$good" | cut -c -64 >"$staging/digests"
        stat -c %s -- "$@" | paste -d ' ' "$staging/digests" -
    fi
    split_words
}

# send FILE: to the controller.
send() {
    section content
    [ ! -f "$1" ] || show_encoded "$1"
}

# unpack_blob BLOB INDEX: each content under the name of its digest, and only if that is its digest.
unpack_blob() {
    mkdir "$staging/content"
    while read -r digest size; do
        if [ "$size" -eq 0 ]; then
            : >"$staging/content/$digest"
        else
            dd bs="$size" count=1 iflag=fullblock of="$staging/content/$digest" <&3 2>/dev/null
        fi
    done <"$2" 3<"$1"
    (cd "$staging/content" && sha256sum -- *) | while read -r found name; do
        [ "$found" != "$name" ] || continue
        rm -f -- "$staging/content/$name"
        answer mismatch "$name"
    done
}

# place_files: puts back every altered path of the packages; called under the lock, after what is overwritten was kept.
place_files() {
    read_records
    : >"$staging/times"
    explained each_altered place_file
    set_times
    answer "installed $status" "$output"
    sync
    return "$status"
}

place_file() {
    hidden=${path%/*}/.fleet-system-python-new-${path##*/}
    permissions=$((mode >> 9 & 7))$((mode >> 6 & 7))$((mode >> 3 & 7))$((mode & 7))
    case $((mode >> 12 & 15)) in
    4) { [ -d "$path" ] || mkdir -- "$path"; } && chown -- "$owner:$group" "$path" && chmod "$permissions" "$path" ;;
    10) ln -sf -- "$target" "$hidden" && chown -h -- "$owner:$group" "$hidden" && mv -f -T -- "$hidden" "$path" ;;
    8) place_twin || place_content ;;
    esac
}

# Hard-linked twins become one file again.
place_twin() {
    case "$NL$shared$NL" in
    *"$NL$inode$NL"*) ;;
    *) return 1 ;;
    esac
    for twin in $(printf '%s\n' "$records" | grep -F "$TAB$inode$TAB" | cut -f 1); do
        [ "$twin" != "$path" ] || continue
        has_content "$twin" || continue
        ln -f -- "$twin" "$hidden" && mv -f -T -- "$hidden" "$path" && return 0
    done
    return 1
}

place_content() {
    source=$staging/content/$digest
    # Only mode or owner differ: the content itself is right.
    [ -f "$source" ] || source=$path
    install -o "$owner" -g "$group" -m "$permissions" -- "$source" "$hidden" && mv -f -T -- "$hidden" "$path" &&
        printf '%s\t%s\n' "$mtime" "$path" >>"$staging/times" && return 0
    rm -f -- "$hidden"
    return 1
}

# Most files of a package have the same time, and one process can set it for all of them.
set_times() {
    last='' paths=''
    sort "$staging/times" >"$staging/sorted"
    while IFS=$TAB read -r mtime path; do
        [ "$mtime" = "$last" ] || set_time
        last=$mtime
        paths=$paths$path$NL
    done <"$staging/sorted"
    set_time
}

# Sets the time `last` of all `paths`, and empties that.
set_time() {
    # shellcheck disable=SC2086  # one path a line
    [ -z "$paths" ] || (split_lines && touch -d "@$last" -- $paths)
    paths=''
}

# list_contents: the digests of what was unpacked.
list_contents() {
    section contents
    ls "$staging/content"
}
