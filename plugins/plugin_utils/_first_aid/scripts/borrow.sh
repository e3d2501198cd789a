# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

# PRIVATE to the collection. Single files that another host lends where no package file can be had. What a file must be
# says the broken host's own package database: content by its digest, the rest by its record. What is lent says the
# lending host's: files of the named packages, as they were installed. Needs stage.sh before it.
# Settings: reinstalled (packages that the database knows), lent (names of packages), most_lent (bytes).
# shellcheck disable=SC2154  # set by the controller, or by the scripts before

# Path, decimal mode, flags, owner, group, mtime, .digest, package:inode, .link target. Dots, because fields may be empty.
record_query='[%{FILENAMES}\t%{FILEMODES}\t%{FILEFLAGS}\t%{FILEUSERNAME}\t%{FILEGROUPNAME}\t%{FILEMTIMES}\t.%{FILEDIGESTS}\t%{=NAME}:%{FILEINODES}\t.%{FILELINKTOS}\n]'
lent_query='[%{FILEMODES:octal} %{FILEDIGESTS}  %{FILENAMES}\n]'

# Beside a file that is to be replaced, so that a rename is all that is left to do.
new_folder=.fleet-system-python-new

# read_records ANSWER: of rpm -V. Sets `records` of the packages' files, `altered_paths` (each with a tab behind), and
# `shared` (inodes with several names).
read_records() {
    # shellcheck disable=SC2086  # one package a word
    records=$(ask 60 -q --qf "$record_query" -- $reinstalled)
    shared=$(printf '%s\n' "$records" | cut -f 8 | sort | uniq -d)
    altered_paths=$(printf '%s\n' "$1" | while IFS= read -r line; do
        path=/${line#*" /"}
        # A name may end like rpm's note: the records tell which of both it is.
        printf '%s\t\n' "$path" "${path%' (replaced)'}"
    done)
}

# each_altered FUNCTION: calls it for every altered path, folders before what is in them. Sorting brings a path and its
# record together, because looking every path up in a shell takes minutes. Sets `intact`: inode and path of those names
# of a shared inode that are as they should be.
each_altered() {
    intact=''
    sorted=$(printf '%s\n' "$altered_paths" "$records" | sort)
    while IFS=$TAB read -r path mode flags owner group mtime digest inode target; do
        if [ -z "$mode" ]; then
            altered=$path
            continue
        fi
        if [ "$path" != "$altered" ]; then
            ! is_shared || intact=$intact$inode$TAB$path$NL
            continue
        fi
        [ $((flags & 64)) -eq 0 ] || continue
        digest=${digest#.}
        target=${target#.}
        "$1" || return 1
    done <<SORTED
$sorted
SORTED
}

is_shared() {
    case "$NL$shared$NL" in
    *"$NL$inode$NL"*) return 0 ;;
    esac
    return 1
}

# list_needed: digest and path of the files whose content is not what the database says.
list_needed() {
    # shellcheck disable=SC2086  # one package a word
    read_records "$(verify $reinstalled)"
    recorded=$(each_altered print_recorded)
    section needed
    [ -z "$recorded" ] || printf '%s\n' "$recorded" | without_intact
}

# In the form of sha256sum. Other algorithms are too weak to vouch for content that comes from elsewhere.
print_recorded() {
    [ $((mode >> 12 & 15)) -ne 8 ] || [ "${#digest}" -ne 64 ] || printf '%s  %s\n' "$digest" "$path"
}

# Of lines with digest and path those of which the file is something else.
without_intact() {
    lines=$(sort -u)
    found=$(printf '%s\n' "$lines" | digests_of)
    printf '%s\n' "$lines" "$found" "$found" | sort | uniq -u
}

# Digest and path of the same files as they are. Nothing but regular files is opened.
digests_of() {
    split_lines
    # shellcheck disable=SC2046  # one path a line
    set -- $(stat -c '%f %n' -- $(cut -c 67-) 2>/dev/null | sed -n 's/^8[0-9a-f]\{3\} //p')
    [ $# -eq 0 ] || sha256sum -- "$@" 2>/dev/null | sort -u
    split_words
}

# lend_files LIST: on the healthy host; LIST has the wanted digests. Only what its own database has as a regular file of
# the packages, and is as it has it, is lent: one blob of all contents; digest and size of each.
lend_files() {
    # shellcheck disable=SC2086  # one package a word
    recorded=$(ask 60 -q --qf "$lent_query" -- $lent | sed -n 's/^0\{0,1\}10[0-7]\{4\} \([0-9a-f]\{64\}  \/\)/\1/p' |
        grep -F -f "$1" | sort -u)
    # Of the same content under two names one will do.
    good=$({ printf '%s\n' "$recorded" && printf '%s\n' "$recorded" | digests_of; } | sort | uniq -d | sort -u -k 1,1)
    section lent
    [ -n "$good" ] || return 0
    split_lines
    # shellcheck disable=SC2046  # one path a line
    set -- $(printf '%s\n' "$good" | cut -c 67-)
    cat -- "$@" | head -c "$most_lent" >"$staging/blob"
    printf '%s\n' "$good" | cut -c -64 >"$staging/digests"
    stat -c %s -- "$@" | paste -d ' ' "$staging/digests" -
    split_words
}

# send FILE: to the controller.
send() {
    [ -f "$1" ] && [ "$(stat -c %s -- "$1")" -le "$most_lent" ] || return 0
    section content
    show_encoded "$1"
}

# unpack_blob BLOB MARK: the contents, each behind a line with the mark and before a newline. `contents` has the digest
# and the name of each as it arrived.
unpack_blob() {
    mkdir "$staging/content" && cd "$staging/content" || return 1
    csplit -s -n 6 -f '' --suppress-matched -- "$1" "/^$2\$/" '{*}' && rm -f 000000 && truncate -s -1 -- *
    sha256sum -- * | sed "s/  /$TAB/" | sort >"$staging/contents"
    cd /
    section contents
    cut -f 1 "$staging/contents"
}

# place_files: puts back every altered path of the packages; called under the lock, after what is overwritten was kept.
# All of it is made beside what is there, and on the disk, before the first name is replaced.
place_files() {
    read_records "$state"
    : >"$staging/regular"
    : >"$staging/links"
    explained make_new
    if [ "$status" -eq 0 ]; then
        explained replace_all
    else
        section nothing-placed
    fi
    remove_new
    answer "installed $status" "$output"
    return "$status"
}

make_new() {
    each_altered sort_out || return 1
    sort -t "$TAB" -k 1,2 "$staging/regular" | join -t "$TAB" -a 1 -e - -o 0,1.2,1.3,1.4,1.5,1.6,1.7,2.2 - "$staging/contents" \
        >"$staging/sorted"
    hidden=$NL last=''
    : >"$staging/times"
    while IFS=$TAB read -r digest inode permissions owner group mtime path number; do
        new=${path%/*}/$new_folder/${path##*/}
        make_hidden "${path%/*}" && { place_twin || place_content; } || return 1
        printf '%s\t%s\n' "$mtime" "$new" >>"$staging/times"
        last=$inode last_new=$new
    done <"$staging/sorted"
    set_times
    on_disk "$hidden"
}

sort_out() {
    permissions=$((mode >> 9 & 7))$((mode >> 6 & 7))$((mode >> 3 & 7))$((mode & 7))
    case $((mode >> 12 & 15)) in
    4) { [ -d "$path" ] || mkdir -- "$path"; } && chown -- "$owner:$group" "$path" && chmod -- "$permissions" "$path" ;;
    10) printf '%s\t%s\t%s\t%s\n' "$target" "$owner" "$group" "$path" >>"$staging/links" ;;
    8) printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "${digest:--}" "$inode" "$permissions" "$owner" "$group" "$mtime" "$path" \
        >>"$staging/regular" ;;
    esac
}

make_hidden() {
    case $hidden in
    *"$NL$1/$new_folder$NL"*) return 0 ;;
    esac
    folder=$1/$new_folder
    rm -rf -- "$folder" && mkdir -m 0700 -- "$folder" || return 1
    hidden=$hidden$folder$NL
}

# Hard-linked twins become one file again; they have the same digest, and so come one after the other.
place_twin() {
    is_shared || return 1
    twin=''
    case $NL$intact in
    *"$NL$inode$TAB"*) twin=${intact#*"$inode$TAB"} twin=${twin%%"$NL"*} ;;
    *) [ "$inode" != "$last" ] || twin=$last_new ;;
    esac
    [ -n "$twin" ] && ln -- "$twin" "$new"
}

place_content() {
    # Only mode or owner differ: the content itself is right.
    if [ "$number" = - ]; then source=$path; else source=$staging/content/$number; fi
    install -o "$owner" -g "$group" -m "$permissions" -- "$source" "$new"
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

# The new folders of what the packages have.
new_folders() {
    printf '%s\n' "$records" | cut -f 1 | sed "s|/[^/]*\$|/$new_folder|" | sort -u | while IFS= read -r folder; do
        [ ! -d "$folder" ] || [ -L "$folder" ] || printf '%s\n' "$folder"
    done
}

replace_all() {
    folders=$(new_folders)
    while IFS= read -r folder; do
        set --
        for new in "$folder"/* "$folder"/.[!.]*; do
            ! exists "$new" || set -- "$@" "$new"
        done
        [ $# -eq 0 ] || mv -f -t "${folder%/*}" -- "$@" || return 1
    done <<FOLDERS
$folders
FOLDERS
    while IFS=$TAB read -r target owner group path; do
        new=${path%/*}/$new_folder-link
        ln -sfn -- "$target" "$new" && chown -h -- "$owner:$group" "$new" && mv -f -T -- "$new" "$path" || return 1
    done <"$staging/links"
    on_disk "$folders$NL$(cut -f 4 "$staging/links" | sed 's|/[^/]*$||' | sort -u)"
}

remove_new() {
    new_folders | while IFS= read -r folder; do
        rm -rf -- "$folder"
    done
}
