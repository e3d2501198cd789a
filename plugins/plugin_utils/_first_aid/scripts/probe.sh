# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

# PRIVATE to the collection. Finds an interpreter that rpm vouches for. Read only; starts an interpreter only after rpm
# verified it. Settings: minors (supported, ascending), newer_minors, older_minors, platforms
# (id:major:minor:package:binary), own_contract (minor:package:binary where the user gave one, else empty), environment
# (names to report), import_path (since:role:template, see _audit/import_path.py), asked_for (names of modules),
# launcher_folders, system_folder, mode_tools, ostree_booted, staging_parent, staging_prefix, accepted_binary and accepted_digest (of the differences that the
# controller already judged).
# shellcheck disable=SC2154  # set by the controller, or by common.sh

# The query prints the owners, each followed by its files, in the order of the asked paths.
package_query='P\t%{NAME}\t%{NAME}-%{EPOCHNUM}:%{VERSION}-%{RELEASE}.%{ARCH}\n'
owner_query="${package_query}[%{FILENAMES}\n]"

# Seconds for the first answer: a database that is locked, or hangs, shows itself with the first question.
first_answer=40

# Stands in the place of a path where a folder could not be listed.
not_listed='?'

report_environment() {
    for name in $environment; do
        eval "value=\${$name-}"
        [ -z "$value" ] || answer "environment $name" "$value"
    done
}

# The release's own version goes first where the running ansible-core supports it.
read_platform() {
    release=/etc/os-release
    [ -r "$release" ] || release=/usr/lib/os-release
    system_minor='' system_package='' system_binary='' ID='' VERSION_ID=''
    section os-release
    [ -r "$release" ] || return 0
    while IFS= read -r line || [ -n "$line" ]; do
        printf '%s\n' "$line"
        value=${line#*=}
        value=${value#[\"\']}
        value=${value%[\"\']}
        case $line in
        ID=*) ID=$value ;;
        VERSION_ID=*) VERSION_ID=${value%%.*} ;;
        esac
    done <"$release"
    for platform in $platforms; do
        case $platform in
        "$ID:$VERSION_ID:"*) set_system "${platform#"$ID:$VERSION_ID:"}" ;;
        esac
    done
    [ -z "$own_contract" ] || set_system "$own_contract"
}

set_system() {
    system_minor=${1%%:*}
    system_binary=${1##*:}
    system_package=${1#*:}
    system_package=${system_package%%:*}
}

# Supported versions from the system's own upwards, then those below it.
ordered_minors() {
    above='' below='' first=${system_minor#3.}
    first=${first:-0}
    for minor in $minors; do
        if [ "${minor#3.}" -ge "$first" ]; then above="$above $minor"; else below="$below $minor"; fi
    done
    printf '%s\n' "$above $below"
}

# reject KIND REASON
reject() {
    answer "rejected $1" "$2"
    return 1
}

# The standard places of an interpreter's parts; where a part is gone, rpm still knows who owns its path.
set_places() {
    tag=3${minor#3.}
    stdlib=''
    for folder in /usr/lib64 /usr/lib; do
        [ ! -e "$folder/python$minor/os.py" ] || { stdlib=$folder/python$minor && break; }
    done
    library_path="/usr/lib64/libpython$minor.so.1.0"
    case $minor in
    3.6 | 3.7) library_path="/usr/lib64/libpython${minor}m.so.1.0" ;;
    esac
}

# Sets `owners` (answer of owner_query), `packages` (name and NEVRA a line) and `library` (the files of the standard
# library), and checks that the binary itself is a package's file.
find_owners() {
    captured ask "$first_answer" -qf --qf "$owner_query" -- "$binary" "${stdlib:-/usr/lib64/python$minor}/os.py"
    believed || end_in_trouble
    owners=$output
    case "$NL$owners$NL" in
    "${NL}P$TAB"*"$NL$binary$NL"*) ;;
    *) reject unowned "no package owns it" || return 1 ;;
    esac
    set --
    for path in "$library_path" $(loader_libraries); do
        case "$NL$owners$NL" in
        *"$NL$path$NL"*) ;;
        *) set -- "$@" "$path" ;;
        esac
    done
    # SUSE's library is in a package of its own.
    [ $# -eq 0 ] || owners=$owners$NL$(ask 60 -qf --qf "$owner_query" -- "$@" 2>/dev/null)
    library=$(printf '%s\n' "$owners" | grep -E "^/usr/lib(64)?/python$minor(/|\$)")
    set_packages
    choose_releases
    answer owners "$packages"
    # The first owner is the binary's.
    owner=${packages%%"$TAB"*}
    [ "$minor" != "$system_minor" ] || [ "$owner" = "$system_package" ] ||
        reject taken-over "it belongs to the package $owner, not to $system_package"
}

# Sets `packages` and takes those of `owners` that are made for another processor than the binary's, with their files.
set_packages() {
    architecture=${owners%%"$NL"*}
    architecture=${architecture##*.}
    owners=$(printf '%s\n' "$owners" | sed -n "
        :next
        /^P$TAB.*[.]$architecture\$/b ours
        /^P$TAB.*[.]noarch\$/b ours
        n
        b next
        :ours
        p
        n
        /^P$TAB/b next
        b ours")
    packages=$(printf '%s\n' "$owners" | grep "^P$TAB" | cut -f 2- | uniq)
}

# An upgrade that was broken off leaves several releases of a package in the database. The one of which rpm finds nothing
# altered is the one on the disk. Where there is none, all of them stay.
choose_releases() {
    for name in $(printf '%s\n' "$packages" | sort -u | cut -f 1 | uniq -d); do
        for release in $(printf '%s\n' "$packages" | grep "^$name$TAB" | cut -f 2 | uniq); do
            verified verify "$release"
            [ "$status" -le 1 ] && [ -z "$(printf '%s\n' "$output" | relevant_lines)" ] || continue
            packages=$(
                printf '%s\n' "$packages" | grep -v "^$name$TAB"
                printf '%s\t%s\n' "$name" "$release"
            )
            break
        done
    done
}

# The lines of rpm -V that are about what this interpreter executes.
relevant_lines() {
    while IFS= read -r line; do
        case $line in
        *' c /'* | *' d /'* | *' g /'* | *' l /'* | *' r /'*) ;;
        *"/site-packages/"* | *"/dist-packages/"*) ;;
        # Without it Python reads the source.
        'missing '*/__pycache__ | 'missing '*/__pycache__/*.pyc) ;;
        # For pip to read; many delete it.
        *"/python$minor/EXTERNALLY-MANAGED") ;;
        *" $binary" | *" $binary "* | */libpython"$minor"* | *" /usr/lib"*"/python$minor/"* | *" /usr/lib"*"/python$minor")
            case $line in
            '.......T.'*) ;;
            *) printf '%s\n' "$line" ;;
            esac
            ;;
        ' '* | [.SM5DLUGTP?]*' /'* | 'missing '*' /'*) ;;
        # No line of rpm -V: a name with a newline in it, or why it has no answer. The controller judges.
        ?*) printf '%s\n' "$line" ;;
        esac
    done
}

verify_owners() {
    names=$(printf '%s\n' "$packages" | cut -f 2 | sort -u)
    # shellcheck disable=SC2086  # one package a word
    verified verify $names
    answer "verify $status" "$output"
    ! cut_short "$status" || reject slow "rpm -V did not come to its end in 300 s (exit code $status)" || return 1
    [ -n "$output" ] || return 0
    altered=$(printf '%s\n' "$output" | relevant_lines)
    [ -n "$altered" ] || return 0
    report_metadata
    answer altered "$altered"
    # The controller has seen exactly this and found it harmless.
    [ "$binary" = "$accepted_binary" ] && [ "$(digest_of_text "$altered")" = "$accepted_digest" ]
}

# Mode and owner of what differs, so that the controller can tell a hardened file from a writable one.
report_metadata() {
    section metadata
    printf '%s\n' "$altered" | while IFS= read -r line; do
        path=/${line#*" /"}
        [ ! -e "$path" ] || stat -c "%a$TAB%u$TAB%g$TAB%n" -- "$path"
    done
}

# Who may write the folder of a program, or one above, can exchange it. Those of the library are files of its packages.
report_way() {
    ways=$(open_folders "${binary%/*}" "${library_path%/*}" "${stdlib:+${stdlib%/*}}")
    [ -n "$ways" ] || return 0
    answer way "$ways"
    return 1
}

# A folder of the library that is a link to where others than root may write.
report_astray() {
    astray=''
    split_lines
    # Not piped into a loop: a shell reads a pipe byte by byte, and this runs on every healthy host.
    for path in $library; do
        ! leads_astray "$path" || astray=$astray$path$NL
    done
    split_words
    [ -n "$astray" ] || return 0
    answer astray "$astray"
    return 1
}

# places ROLE: where this version of Python looks.
places() {
    for place in $import_path; do
        case $place in
        *":$1:"*) [ "${place%%:*}" -gt "${minor#3.}" ] || printf '%s\n' "${place#*:*:}" ;;
        esac
    done | sed "s|%v|$minor|g; s|%t|$tag|g; s|%u|$user_home/.local|g"
}

# Files that Python would import or read at its start although no package owns them, and that no option keeps out.
report_planted() {
    planted=$({ existing_core; library_files | foreign_files; } | unowned_of) ||
        reject unknown "it is unknown who owns the files that it would import" || return 1
    [ -n "$planted" ] || return 0
    answer planted "$planted"
    return 1
}

existing_core() {
    { places landmark && places archive; } | while IFS= read -r path; do
        ! exists "$path" || printf '%s\n' "$path"
    done
}

# Links are followed, as Python follows them. A name with a newline in it is no module's, and would break into lines.
library_files() {
    places library | while IFS= read -r folder; do
        [ -d "$folder" ] || continue
        # Every name of an inode. It ends with 1 where a link leads nowhere, too.
        du -0alL -- "$folder" 2>/dev/null || [ $? -eq 1 ] || printf '0\t%s\0' "$not_listed"
    done | tr '\n\0' '\1\n' | sed "/$(printf '\1')/d" | cut -f 2-
}

# Those that are not among the files of the library's packages.
foreign_files() {
    { printf '%s\n' "$library" "$library" && cat; } | sort | uniq -u | importable
}

# Bytecode of another version, or of an optimisation that is not asked for, is never read.
importable() {
    sed -n -e '/\/site-packages\//d' -e '/\/dist-packages\//d' \
        -e "/\/__pycache__\/.*[.]cpython-${tag}[.]pyc\$/p" -e '/\/__pycache__\//d' \
        -e '/[.]py$/p' -e '/[.]so$/p' -e '/[.]pyc$/p' -e "/^[$not_listed]\$/p"
}

# unowned_of: of the paths on its input, one a line, those that no package owns. Fails where rpm cannot tell. A command
# line has not room for all of them.
unowned_of() {
    set --
    while IFS= read -r path; do
        [ "$path" != "$not_listed" ] || return 1
        set -- "$@" "$path"
        [ $# -lt 100 ] || { ask_owners "$@" && set --; } || return 1
    done
    [ $# -eq 0 ] || ask_owners "$@"
}

# rpm names those that no package owns, prints nothing of the others, and ends with their number.
ask_owners() {
    captured ask 60 -qf --qf '' -- "$@"
    unowned=$(printf '%s\n' "$output" | sed -n 's/^file \(.*\) is not owned by any package$/\1/p')
    gone=$(printf '%s\n' "$errors" | grep '^error: file .*: No such file or directory$')
    [ "$status" -eq "$(printf '%s\n' "$unowned" "$gone" | grep -c .)" ] || return 1
    [ -z "$unowned" ] || printf '%s\n' "$unowned"
}

# What runs beside what it is asked to run where it is not isolated: *.pth, sitecustomize and usercustomize, and what
# Ansible's modules import where it is there. Owned and intact ones are the vendor's.
report_hooks() {
    candidates=$(hook_files user local site)
    hooks='' altered=''
    [ -n "$candidates" ] || return 0
    if hooks=$(printf '%s\n' "$candidates" | unowned_of); then
        owned=$(printf '%s\n' "$candidates" "$hooks" "$hooks" | sort | uniq -u)
        # shellcheck disable=SC2086  # one path a line
        [ -z "$owned" ] || altered=$(split_lines && verified verify_files $owned && altered_hooks)
    else
        hooks=$candidates
    fi
    answer hooks "$hooks"
    answer altered-hooks "$altered"
    hooks=$hooks$altered
}

altered_hooks() {
    if cut_short "$status"; then printf '%s\n' "$owned"; else printf '%s\n' "$output" | grep -E '\.pth$|/(site|user)customize'; fi
}

# hook_files ROLE...
hook_files() {
    for role in "$@"; do places "$role"; done | while IFS= read -r folder; do
        [ -d "$folder" ] || continue
        printf '%s\n' "$folder"/*.pth "$folder"/sitecustomize* "$folder"/usercustomize*
        for name in $asked_for; do
            printf '%s\n' "$folder/$name" "$folder/$name".*
        done
    done | while IFS= read -r path; do
        # What is left of a name with a newline.
        [ "${path#/}" != "$path" ] || path=$not_listed
        [ ! -e "$path" ] && [ "$path" != "$not_listed" ] || printf '%s\n' "$path"
    done
}

# Sets `options` and `cleared`: what keeps everything from running that no package vouches for.
set_options() {
    options='' cleared=''
    for name in $environment; do
        eval "value=\${$name-}"
        [ -z "$value" ] || case $name in
        PYTHON*) options=-I ;;
        LD_*) cleared="$cleared $name" ;;
        esac
    done
    [ -z "$hooks" ] || options='-I -S'
}

# Only now, after rpm verified it, is it started: a file may be intact and still lack a library. Root starts it by a
# launcher, so that it runs nothing but itself; what the play runs has one only where something would run beside it.
report_start() {
    set_options
    interpreter=$binary status=126 output="no launcher can be written to $launcher_folders"
    if [ "$uid" -ne 0 ]; then
        start_interpreter
    else
        for folder in $launcher_folders; do
            interpreter=$folder/python$minor-isolated
            write_launcher "$interpreter" '-I -S -B' && start_interpreter && report_launchers && break
        done
    fi
    answer "start $status" "$output"
    [ "$status" -eq 0 ]
}

report_launchers() {
    section "isolated $interpreter"
    [ -n "$options$cleared$library_folder" ] || return 0
    write_launcher "$folder/python$minor" "$options" && answer "launcher $folder/python$minor" "$launcher"
}

# write_launcher PATH OPTIONS: ansible-core 2.19 takes only a path as interpreter, so options need a file. It lies where
# only root may write.
write_launcher() {
    mkdir -p "$folder" && [ ! -L "$folder" ] && chown 0:0 "$folder" && chmod 0755 "$folder" || return 1
    aside=''
    for name in $cleared PYTHONHOME ${library_folder:+LD_LIBRARY_PATH}; do
        aside="${aside}export SYSTEM_PYTHON_PUT_ASIDE_$name=\"\${$name-}\"$NL"
    done
    launcher="#!/bin/sh
${aside}unset$cleared PYTHONHOME
${library_folder:+"LD_LIBRARY_PATH=$library_folder
export LD_LIBRARY_PATH
"}exec $binary $2 \"\$@\""
    ! is_launcher "$1" || return 0
    rm -f "$1.new" && printf '%s\n' "$launcher" >"$1.new" && chmod 0755 "$1.new" && mv -f "$1.new" "$1"
}

is_launcher() {
    [ -f "$1" ] && [ "$(stat -c '%F %u %a' -- "$1")" = 'regular file 0 755' ] && [ "$(cat "$1")" = "$launcher" ]
}

start_interpreter() {
    explained limited 20 env -i PATH="$PATH" LC_ALL=C "$interpreter" -I -S -B -c \
        'import sys, zlib; print("%d.%d.%d" % sys.version_info[:3])'
    [ "$status" -eq 0 ]
}

probe_binary() {
    section "candidate $binary $minor"
    [ ! -L "$binary" ] || reject link "it is a symbolic link to $(readlink "$binary")" || return 1
    [ -f "$binary" ] || reject no-file "it is not a regular file" || return 1
    [ -s "$binary" ] || reject empty "it is empty" || return 1
    [ -x "$binary" ] || reject not-executable "it is not executable" || return 1
    report_way || return 1
    find_owners || return 1
    verify_owners || return 1
    report_astray || return 1
    report_planted || return 1
    report_libraries
    report_hooks
    report_start
}

# The system's own goes first: its package is what brings the version back.
binaries_of() {
    first=''
    [ "$minor" != "$system_minor" ] || first=$system_binary
    set -- "/usr/bin/python$minor" "/usr/libexec/platform-python$minor"
    case $minor in
    3.6 | 3.7) set -- "$@" "/usr/bin/python${minor}m" "/usr/libexec/platform-python${minor}m" ;;
    esac
    [ -z "$first" ] || printf '%s\n' "$first"
    for name in "$@"; do
        [ "$name" = "$first" ] || printf '%s\n' "$name"
    done
}

probe_packaged() {
    for minor in "$@"; do
        set_places
        for binary in $(binaries_of); do
            exists "$binary" || continue
            # The shims of newer releases lead to the binary that was looked at just before.
            case $binary in
            /usr/libexec/*) [ ! -L "$binary" ] || continue ;;
            esac
            probe_binary && return 0
        done
    done
    return 1
}

# A runtime is looked at only where rpm, with a database that answers, vouches for nothing that the core supports.
# shellcheck disable=SC2046,SC2086  # one version a word
probe_all() {
    probe_packaged $(ordered_minors) && return 0
    check_database || return 1
    check_agreement
    probe_runtimes || probe_packaged $newer_minors && return 0
    report_installed
    return 1
}

# An empty database answers every question with "not owned", so it is asked for itself.
check_database() {
    section rpm
    command -v rpm || return 1
    captured ask "$first_answer" -q --qf '%{NAME}\n' -- rpm
    believed || end_in_trouble
    [ "$status" -ne 0 ] || return 0
    captured ask 60 -qa --qf '%{NAME}\n'
    believed || end_in_trouble
    [ -n "$output" ] || { section "database 0" && return 1; }
}

# Nothing can be judged. Where nothing can be run within limits, it is not rpm that is to blame.
end_in_trouble() {
    section rpm
    command -v rpm
    captured limited 10 printf works
    [ "$output" = works ] || trouble="the programs that start rpm cannot be run: ${errors:-exit code $status}"
    answer "database trouble" "$trouble"
    report_locks
    section end
    exit 0
}

# Who holds a lock on a file of the database, as the kernel says.
report_locks() {
    for file in "$database"/* "$database"/.*lock; do
        [ -f "$file" ] || continue
        inode=$(stat -c %i -- "$file")
        while read -r _number kind _way _type holder place _range; do
            case $kind:$place in
            '->':*) ;;
            *:"$inode") answer "lock $holder $file" "$(tr '\0' ' ' <"/proc/$holder/cmdline")" && return 0 ;;
            esac
        done </proc/locks
    done
}

# An index that lost entries denies a package, or who owns a file, without an error: the records of all packages tell.
check_agreement() {
    set --
    for minor in $(ordered_minors) $newer_minors $older_minors; do
        for binary in $(binaries_of); do
            [ ! -e "$binary" ] || set -- "$@" "$binary"
        done
    done
    [ $# -gt 0 ] || return 0
    recorded=$(ask 60 -qa --qf '[%{FILENAMES}\n]' | grep -x -F -- "$(printf '%s\n' "$@")" | sort -u)
    lost=$(printf '%s\n' "$recorded" | unowned_of | head -n 1)
    [ -z "$lost" ] || trouble="its answers contradict each other: rpm -qf finds no owner of $lost, but a package has it in its record"
    names=$(ask 60 -qf --qf '%{NAME}\n' -- "$@" | grep -v ' ' | sort -u)
    # shellcheck disable=SC2086  # one package a word
    denied=$([ -z "$names" ] || ask 60 -q --qf '' -- $names | sed -n 's/^package \(.*\) is not installed$/\1/p' | head -n 1)
    [ -z "$denied" ] || trouble="its answers contradict each other: rpm -q denies the package $denied, but rpm -qf names it as an owner"
    [ -z "$lost$denied" ] || end_in_trouble
}

# Who owns the interpreters, as far as the database knows, and whether that is intact: what could be brought back.
report_installed() {
    surveyed=' '
    architecture=$(system_architecture)
    for minor in $(ordered_minors) $newer_minors $older_minors; do
        set_places
        for binary in $(binaries_of); do
            set -- "$binary" "/usr/lib64/python$minor/os.py" "/usr/lib/python$minor/os.py" "$library_path"
            owners=$(ask 60 -qf --qf "$package_query" -- "$@" 2>/dev/null | of_architecture)
            # Where another package took the binary over, the rightful one is still installed.
            [ "$minor:$binary" != "$system_minor:$system_binary" ] || owners="$(ask 60 -q --qf "$package_query" -- "$system_package" 2>/dev/null |
                of_architecture)$NL$owners"
            ask 60 -qf --qf '' -- "$binary" >/dev/null 2>&1 ||
                [ "$minor:$binary" = "$system_minor:$system_binary" ] || continue
            [ -n "${owners#"$NL"}" ] || continue
            there=''
            [ ! -L "$binary" ] || there=' link'
            answer "installed $binary $minor$there" "$owners"
            survey_packages
        done
    done
}

# Name and NEVRA of the packages that are made for this system. What is installed beside it for another is not Python's.
of_architecture() {
    grep -E "^P$TAB.*[.]($architecture|noarch)\$" | cut -f 2-
}

survey_packages() {
    for package in $(printf '%s\n' "$owners" | cut -f 2); do
        case $surveyed in
        *" $package "*) continue ;;
        esac
        surveyed="$surveyed$package "
        verified verify "$package"
        answer "package $package $status" "$output"
        surveyed_lines=$surveyed_lines$output$NL
    done
}

# A run that was killed leaves its folder behind.
report_leftovers() {
    for folder in "$staging_parent/$staging_prefix"*; do
        [ ! -d "$folder" ] || section "leftover $folder"
    done
}

# What else is needed comes with these.
report_missing_programs() {
    for program in env timeout head sed grep cut sort uniq stat tr du sha256sum readlink; do
        command -v "$program" >/dev/null || answer missing-program "$program"
    done
}

section begin
report_environment
uid=$(id -u)
section "uid $uid"
read_platform
read_loader_cache
report_leftovers
report_missing_programs
if [ -z "$database" ]; then
    section rpm
    command -v rpm && section "database absent"
elif [ -n "$(rpm_alias)" ]; then
    section rpm
    command -v rpm
    answer "database alias" "$(rpm_alias)"
elif probe_all; then
    section chosen
else
    report_mode
    keep_evidence
fi
section end
