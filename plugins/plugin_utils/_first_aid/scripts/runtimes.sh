# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

# PRIVATE to the collection. The runtimes that python_runtime installed, for a host where rpm vouches for no interpreter.
# One is trusted when it is wholly what its manifest says, and only root can have written the manifest. Read only.
# Goes before probe.sh, whose functions it uses. Setting: runtime_root (empty: none is looked at).
# shellcheck disable=SC2034,SC2154  # set by the controller, used or set by the other scripts

probe_runtimes() {
    [ -n "$runtime_root" ] && [ -d "$runtime_root" ] || return 1
    for minor in $(ordered_minors); do
        tag=3${minor#3.}
        for name in $(runtimes_of); do
            runtime=$runtime_root/$name
            probe_runtime && return 0
        done
    done
    return 1
}

# The one that the link of the version leads to comes first, it was proven last; then the newest.
runtimes_of() {
    linked=$(readlink -- "$runtime_root/$minor" 2>/dev/null)
    for each in "$runtime_root/$linked" "$runtime_root/$minor".*; do
        [ -d "$each" ] || continue
        case ${each##*/} in
        *[!0-9a-z.]*) ;;
        "$minor".[0-9]*) printf '%s\n' "${each##*/}" ;;
        esac
    done | sort -u | sort -t . -k 3,3nr | {
        others=''
        while read -r name; do
            [ "$name" = "$linked" ] && printf '%s\n' "$name" || others="$others $name"
        done
        printf '%s\n' "$others"
    }
}

probe_runtime() {
    binary=$runtime/bin/python$minor
    section "candidate $binary $minor"
    section "runtime $runtime"
    is_protected || return 1
    # A subshell, because of its folder.
    (cd -- "$runtime" && examine_runtime) || return 1
    [ -f "$binary" ] && [ -x "$binary" ] || reject no-file "it is not an executable file" || return 1
    has_own_library || return 1
    library_folder=''
    report_user_hooks
    report_start
}

# Whoever may write one of the folders above can put another runtime with another manifest there.
is_protected() {
    [ "$(readlink -f -- "$runtime")" = "$runtime" ] || reject link "$runtime is reached through a symbolic link" || return 1
    ! others_lead "$runtime" || reject writable "others than root may write $open_folder"
}

examine_runtime() {
    [ -f .manifest.sha256 ] && [ ! -L .manifest.sha256 ] && [ -f .manifest.json ] ||
        reject no-manifest "$runtime has no manifest" || return 1
    captured list_entries
    entries=$output
    [ "$status" -eq 0 ] || reject unreadable "$(printf '%s\n' "$errors" | grep -e '^du: ' -e '^stat: ' | few)" || return 1
    foreign=$(printf '%s\n' "$entries" | grep -Ev '^0 (l.........|[-d]....[^w]..[^w].) ' | few)
    [ -z "$foreign" ] || reject writable "others than root may change these, or they are no files: $foreign" || return 1
    surplus=$(surplus_files | few)
    [ -z "$surplus" ] || reject planted "its manifest does not have these: $surplus" || return 1
    surplus=$({ recorded_links && present_links; } | sort | uniq -u | few)
    [ -z "$surplus" ] || reject altered "these links are not as its manifest says: $surplus" || return 1
    explained limited 300 sha256sum --check --quiet --strict .manifest.sha256
    [ "$status" -eq 0 ] || reject altered "it is not as its manifest says: $(printf '%s\n' "$output" | few)" || return 1
    section verified "$(grep -c '' .manifest.sha256)"
}

# Names with newlines fall apart here, are then unknown, and so speak against the runtime.
list_entries() {
    listed=$(du -al .) || return 1
    split_lines
    # shellcheck disable=SC2046  # one path a line
    stat -c '%u %A %n' -- $(printf '%s\n' "$listed" | cut -f 2-)
}

# What is there and not in the manifest, without bytecode that does not matter.
surplus_files() {
    {
        printf '%s\n' ./.manifest.sha256 ./.manifest.sha256
        # Twice, and behind a digest and two blanks.
        cut -c 67- .manifest.sha256 .manifest.sha256
        printf '%s\n' "$entries" | sed -n 's/^0 -......... //p'
    } | sort | uniq -u | while IFS= read -r surplus; do
        case $surplus in
        */__pycache__/*".cpython-$tag.pyc") is_harmless_bytecode "$surplus" || printf '%s\n' "$surplus" ;;
        */__pycache__/*.cpython-*.pyc) ;;
        *) printf '%s\n' "$surplus" ;;
        esac
    done
}

few() {
    head -n 3 | paste -s -d , -
}

# The library is compiled when it is installed, add-ons and tests are not: root's first use of pip writes their bytecode.
is_harmless_bytecode() {
    module=${1##*/}
    case $1 in
    */sitecustomize.* | */usercustomize.*) return 1 ;;
    */site-packages/* | */test/* | */tests/*) [ -f "${1%/__pycache__/*}/${module%%.*}.py" ] ;;
    *) return 1 ;;
    esac
}

recorded_links() {
    sed -n -e '/^  "\(.*\)": {$/{s//\1/' -e 'h' -e '}' -e '/^   "link": "\(.*\)"$/{s// -> \1/' -e 'H' -e 'x' -e 's/\n//' \
        -e 's/^/.\//p' -e '}' .manifest.json
}

present_links() {
    links=$(printf '%s\n' "$entries" | sed -n 's/^0 l......... //p')
    # shellcheck disable=SC2086  # one path a line
    [ -z "$links" ] || (split_lines && stat -c %N -- $links) | sed "s/^'\(.*\)' -> '\(.*\)'\$/\1 -> \2/"
}

# A libpython of another place would be another Python. The dynamic loader lists what it would load, and starts nothing.
has_own_library() {
    loaded=$(limited 20 env -i LD_TRACE_LOADED_OBJECTS=1 "$binary" 2>/dev/null | grep -F libpython)
    case $loaded in
    '' | *" => $runtime/"*) ;;
    *) reject library "it would load a library from elsewhere: $loaded" ;;
    esac
}

report_user_hooks() {
    hooks=$(hook_files user)
    answer hooks "$hooks"
}
