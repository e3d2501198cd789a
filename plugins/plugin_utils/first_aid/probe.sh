# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

# PRIVATE to the collection. Finds an interpreter that rpm vouches for. Read only; starts an interpreter only after rpm
# verified it. Settings: minors (supported, ascending), newer_minors, older_minors, platforms
# (id:major:minor:package:binary), own_contract (minor:package:binary where the user gave one, else empty), environment
# (names to report), launcher_folders, staging_parent, staging_prefix, accepted_binary and accepted_digest (of the
# differences that the controller already judged).
# shellcheck disable=SC2154  # set by the controller, or by common.sh

# The query prints the owners, each followed by its files, in the order of the asked paths.
package_query='P\t%{NAME}\t%{NAME}-%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}.%{ARCH}\n'
owner_query="${package_query}[%{FILENAMES}\n]"

report_environment() {
    for name in $environment; do
        eval "value=\${$name-}"
        [ -z "$value" ] || { section "environment $name" && printf '%s\n' "$value"; }
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

reject() {
    section "rejected $1"
    shift
    printf '%s\n' "$*"
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

# Every libpython of this version that the dynamic loader knows, by its name below /usr.
loader_libraries() {
    IFS=$NL
    set -f
    for line in $loader_cache; do
        case $line in
        *"libpython$minor.so."*' => '* | *"libpython${minor}m.so."*' => '*)
            library=${line##* => }
            case $library in
            /lib/*) [ ! -L /lib ] || library=/usr$library ;;
            /lib64/*) [ ! -L /lib64 ] || library=/usr$library ;;
            esac
            printf '%s\n' "$library"
            ;;
        esac
    done
    set +f
    unset IFS
}

# Sets `owners` (answer of owner_query), `packages` (name and NEVRA a line) and `library` (the files of the standard
# library), and checks that the binary itself is a package's file.
find_owners() {
    owners=$(limited 60 rpm -qf --qf "$owner_query" "$binary" "${stdlib:-/usr/lib64/python$minor}/os.py" 2>/dev/null)
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
    [ $# -eq 0 ] || owners=$owners$NL$(limited 60 rpm -qf --qf "$owner_query" "$@" 2>/dev/null)
    packages=$(printf '%s\n' "$owners" | grep "^P$TAB" | cut -f 2- | uniq)
    library=$(printf '%s\n' "$owners" | grep -E "^/usr/lib(64)?/python$minor(/|\$)")
    section owners
    # The first owner is the binary's.
    printf '%s\n' "$packages"
    owner=${packages%%"$TAB"*}
    [ "$minor" != "$system_minor" ] || [ "$owner" = "$system_package" ] ||
        reject taken-over "it belongs to the package $owner, not to $system_package"
}

# The lines of rpm -V that are about what this interpreter executes.
relevant_lines() {
    while IFS= read -r line; do
        case $line in
        *' c /'* | *' d /'* | *' g /'* | *' l /'* | *' r /'*) ;;
        *"/site-packages/"* | *"/dist-packages/"*) ;;
        # For pip to read; many delete it.
        *"/python$minor/EXTERNALLY-MANAGED") ;;
        *" $binary" | *" $binary "* | */libpython"$minor"* | *" /usr/lib"*"/python$minor/"* | *" /usr/lib"*"/python$minor")
            case $line in
            '.......T.'*) ;;
            *) printf '%s\n' "$line" ;;
            esac
            ;;
        ' '* | [.SM5DLUGTP?]*' /'* | 'missing '*' /'*) ;;
        # No line of rpm -V: a name with a newline in it, or an error. The controller judges.
        ?*) printf '%s\n' "$line" ;;
        esac
    done
}

verify_owners() {
    names=$(printf '%s\n' "$packages" | cut -f 2 | without_epoch | sort -u)
    # shellcheck disable=SC2086  # one package a word
    captured limited 300 rpm -V --nodeps --noscripts $names
    section "verify $status"
    printf '%s\n' "$output"
    [ "$status" -ne 124 ] || reject slow "rpm -V did not end within 300 s" || return 1
    [ -n "$output" ] || return 0
    altered=$(printf '%s\n' "$output" | relevant_lines)
    [ -n "$altered" ] || return 0
    report_metadata
    section altered
    printf '%s\n' "$altered"
    # The controller has seen exactly this and found it harmless.
    [ "$binary" = "$accepted_binary" ] &&
        [ "$(printf '%s' "$altered" | sha256sum | cut -d ' ' -f 1)" = "$accepted_digest" ]
}

# Mode and owner of what differs, so that the controller can tell a hardened file from a writable one.
report_metadata() {
    section metadata
    printf '%s\n' "$altered" | while IFS= read -r line; do
        path=/${line#*" /"}
        [ ! -e "$path" ] || stat -c "%a$TAB%u$TAB%g$TAB%n" -- "$path"
    done
}

# A folder of the library that is a link to where others than root may write.
report_astray() {
    astray=''
    IFS=$NL
    set -f
    # Not piped into a loop: a shell reads a pipe byte by byte, and this runs on every healthy host.
    for path in $library; do
        ! leads_astray "$path" || astray=$astray$path$NL
    done
    set +f
    unset IFS
    [ -n "$astray" ] || return 0
    section astray
    printf '%s\n' "$astray"
    return 1
}

# Files that Python would import or read at its start although no package owns them.
report_planted() {
    planted=$({
        printf '%s\n' "$library" "$library"
        for folder in /usr/lib64 /usr/lib; do
            # Links are followed, as Python follows them.
            [ ! -d "$folder/python$minor" ] || du -aL "$folder/python$minor" 2>/dev/null | cut -f 2-
        done
        for path in "/usr/lib64/python$tag.zip" "/usr/lib/python$tag.zip" /usr/bin/pyvenv.cfg /usr/pyvenv.cfg \
            /usr/libexec/pyvenv.cfg /usr/bin/pybuilddir.txt "$binary._pth"; do
            [ ! -e "$path" ] || printf '%s\n' "$path"
        done
    } | sort | uniq -u | importable)
    # shellcheck disable=SC2086  # one path a line
    [ -z "$planted" ] || planted=$(IFS=$NL && set -f && unowned_of $planted)
    [ -n "$planted" ] || return 0
    section planted
    printf '%s\n' "$planted"
    return 1
}

importable() {
    while IFS= read -r path; do
        case $path in
        */site-packages/* | */dist-packages/*) ;;
        # Bytecode of another version, or of an optimisation that is not asked for, is never read.
        */__pycache__/*".cpython-$tag.pyc") printf '%s\n' "$path" ;;
        */__pycache__/*) ;;
        *.py | *.so | *.pyc | *.zip | *.cfg | *.txt | *._pth) printf '%s\n' "$path" ;;
        esac
    done
}

# rpm names those that no package owns, and prints nothing of the others.
unowned_of() {
    rpm -qf --qf '' "$@" 2>&1 </dev/null | while IFS= read -r line; do
        case $line in
        'file '*' is not owned by any package')
            line=${line#file }
            printf '%s\n' "${line%' is not owned by any package'}"
            ;;
        esac
    done
}

# What the site module would run: *.pth, sitecustomize and usercustomize. Owned and intact ones are the vendor's.
report_hooks() {
    hooks=''
    set --
    for folder in "/usr/lib64/python$minor" "/usr/lib/python$minor" "/usr/local/lib64/python$minor" \
        "/usr/local/lib/python$minor" "$user_home/.local/lib/python$minor" /usr/lib/python3; do
        for path in "$folder"/*-packages/*.pth "$folder"/sitecustomize* "$folder"/usercustomize* \
            "$folder"/*-packages/sitecustomize* "$folder"/*-packages/usercustomize*; do
            [ ! -e "$path" ] || set -- "$@" "$path"
        done
    done
    [ $# -gt 0 ] || return 0
    hooks=$(unowned_of "$@")
    altered=$(limited 60 rpm -V --nodeps --noscripts -f "$@" 2>&1 | grep -E '\.pth$|/(site|user)customize')
    section hooks
    printf '%s\n' "$hooks"
    section altered-hooks
    printf '%s\n' "$altered"
    hooks=$hooks$altered
}

# A libpython that no package owns may come first for the dynamic loader; naming the folder of the owned one prevents it.
report_libraries() {
    library_folder=''
    for library in $(loader_libraries); do
        case "$NL$owners$NL" in
        *"$NL$library$NL"*) continue ;;
        esac
        [ -n "$(unowned_of "$library")" ] || continue
        library_folder=${library_path%/*}
        section "foreign-library $library_folder"
        printf '%s\n' "$library"
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

# Only now, after rpm verified it, is it started: a file may be intact and still lack a library.
report_start() {
    set_options
    interpreter=$binary
    if [ -z "$options$cleared$library_folder" ] || [ "$uid" -ne 0 ]; then
        start_interpreter
        return
    fi
    for folder in $launcher_folders; do
        write_launcher && start_interpreter && return 0
    done
    return 1
}

# ansible-core 2.19 takes only a path as interpreter, so options need a file. It lies where only root may write.
write_launcher() {
    mkdir -p "$folder" && [ ! -L "$folder" ] && chown 0:0 "$folder" && chmod 0755 "$folder" || return 1
    interpreter=$folder/python$minor
    launcher="#!/bin/sh
unset$cleared PYTHONHOME
${library_folder:+"LD_LIBRARY_PATH=$library_folder
export LD_LIBRARY_PATH
"}exec $binary $options \"\$@\""
    rm -f "$interpreter.new" && printf '%s\n' "$launcher" >"$interpreter.new" &&
        chmod 0755 "$interpreter.new" && mv -f "$interpreter.new" "$interpreter" || return 1
    section "launcher $interpreter"
    printf '%s\n' "$launcher"
}

start_interpreter() {
    captured limited 20 env -i PATH="$PATH" LC_ALL=C "$interpreter" -I -S -B -c \
        'import sys, zlib; print("%d.%d.%d" % sys.version_info[:3])'
    section "start $status"
    printf '%s\n' "$output"
    [ "$status" -eq 0 ]
}

probe_binary() {
    section "candidate $binary $minor"
    [ ! -L "$binary" ] || reject link "it is a symbolic link to $(readlink "$binary")" || return 1
    [ -f "$binary" ] || reject no-file "it is not a regular file" || return 1
    [ -s "$binary" ] || reject empty "it is empty" || return 1
    [ -x "$binary" ] || reject not-executable "it is not executable" || return 1
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
            [ -e "$binary" ] || [ -L "$binary" ] || continue
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
    probe_runtimes || probe_packaged $newer_minors && return 0
    report_installed
    return 1
}

# Asked for a database that is gone, rpm makes an empty one; this only looks.
has_database() {
    holds_database /usr/lib/sysimage/rpm || holds_database /var/lib/rpm ||
        holds_database "$(rpm --eval '%{_dbpath}' 2>/dev/null </dev/null)"
}

holds_database() {
    [ -s "$1/rpmdb.sqlite" ] || [ -s "$1/Packages" ] || [ -s "$1/Packages.db" ]
}

# An empty database answers every question with "not owned", so it is asked for itself.
check_database() {
    section rpm
    command -v rpm || return 1
    captured limited 60 rpm -q --qf '%{NAME}\n' rpm
    errors=$(printf '%s\n' "$output" | rpm_errors)
    [ -z "$errors" ] || { section "database $status" && printf '%s\n' "$errors" && return 1; }
    [ "$status" -ne 124 ] || { section "database 124" && printf 'rpm did not answer within 60 s\n' && return 1; }
    [ -n "$(limited 60 rpm -qa | head -n 1)" ] || { section "database 0" && return 1; }
}

# Who owns the interpreters, as far as the database knows, and whether that is intact: what could be brought back.
report_installed() {
    surveyed=' '
    for minor in $(ordered_minors) $newer_minors $older_minors; do
        set_places
        for binary in $(binaries_of); do
            set -- "$binary" "/usr/lib64/python$minor/os.py" "/usr/lib/python$minor/os.py" "$library_path"
            owners=$(rpm -qf --qf "$package_query" "$@" 2>/dev/null </dev/null | grep "^P$TAB" | cut -f 2-)
            # Where another package took the binary over, the rightful one is still installed.
            [ "$minor:$binary" != "$system_minor:$system_binary" ] || owners="$(rpm -q --qf "$package_query" "$system_package" 2>/dev/null |
                grep "^P$TAB" | cut -f 2-)$NL$owners"
            rpm -qf --qf '' "$binary" >/dev/null 2>&1 </dev/null ||
                [ "$minor:$binary" = "$system_minor:$system_binary" ] || continue
            [ -n "${owners#"$NL"}" ] || continue
            section "installed $binary $minor"
            printf '%s\n' "$owners"
            survey_packages
        done
    done
}

survey_packages() {
    for package in $(printf '%s\n' "$owners" | cut -f 2 | without_epoch); do
        case $surveyed in
        *" $package "*) continue ;;
        esac
        surveyed="$surveyed$package "
        captured limited 300 rpm -V --nodeps --noscripts "$package"
        section "package $package $status"
        printf '%s\n' "$output"
    done
}

# A run that was killed leaves its folder behind.
report_leftovers() {
    for folder in "$staging_parent/$staging_prefix"*; do
        [ ! -d "$folder" ] || section "leftover $folder"
    done
}

section begin
report_environment
uid=$(id -u)
section "uid $uid"
read_platform
loader_cache=$(ldconfig -p 2>/dev/null </dev/null | grep -F libpython)
report_leftovers
if ! has_database; then
    section rpm
    command -v rpm && section "database absent"
elif probe_all; then
    section chosen
fi
section end
