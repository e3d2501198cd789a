# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

# PRIVATE to the collection. A folder for what is brought to the host, and packages that the host has at hand: given
# files, package caches, and what its native package managers download. Nothing is installed.
# Settings: staging_parent, staging_prefix, wanted (packages as in the names of their files), specs (the same for zypper),
# and calls of the functions below.
# shellcheck disable=SC2154  # set by the controller, or by common.sh

# make_staging: only root can enter it, so what is checked in it is what will be installed.
make_staging() {
    umask 077
    captured mktemp -d "$staging_parent/${staging_prefix}XXXXXX"
    umask 022
    staging=$output
    [ -d "$staging" ] || { answer failed "$errors" && return 1; }
    mkdir -m 0700 "$staging/packages" "$staging/download"
    section "staging $staging"
    df -Pk "$staging"
}

show_release() {
    section os-release
    [ ! -f /etc/os-release ] || head -c 65536 /etc/os-release
}

# The name of a package file, without the epoch.
name_query='%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}'

# use_staging FOLDER: goes on with the folder of an earlier script; it is gone when another run finished meanwhile.
use_staging() {
    staging=$1
    [ -d "$staging/packages" ] || { section gone && return 1; }
}

# offer NVRA FILE SOURCE: copies a file that may be the wanted package and says all that tells whether it is.
offer() {
    offered=$((${offered:-0} + 1))
    staged=$staging/packages/$3-$offered.rpm
    if ! failure=$(cp -- "$2" "$staged" 2>&1); then
        rm -f -- "$staged"
        answer failed "$failure"
        return 1
    fi
    answer "staged $1 $3 $staged" "$2"
    explained ask 60 -q -p --nosignature --qf "$name_query\n" -- "$staged"
    answer header "$output"
    explained ask_by rpmkeys 60 -K -v -- "$staged"
    answer signature "$output"
    section "content $(content_of -p --nosignature -- "$staged") $(content_of -- "$1")" \
        "$(header_of -p --nosignature -- "$staged") $(header_of -- "$1")"
}

# The digest of the header, which has the scripts, too, and the digest of the content.
header_of() {
    header=$(ask 60 -q --qf '%|SHA256HEADER?{%{SHA256HEADER}}:{none}|' "$@" 2>/dev/null) || header=none
    printf '%s' "$header"
}

# What a package puts on the disk, as one number: the same number, the same files. "none" where it is not installed.
content_of() {
    content=$(ask 60 -q --qf '[%{FILEMODES} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILEDIGESTS} %{FILELINKTOS} %{FILENAMES}\n]' \
        "$@" 2>/dev/null </dev/null) || { printf none && return 0; }
    digest_of_text "$content"
}

# offer_given SOURCE FILE...: files that the operator named, or that were lent; what they are is in their headers.
offer_given() {
    source=$1
    shift
    for file in "$@"; do
        [ -f "$file" ] || { unusable "$source" "$file: no such file" && continue; }
        name=$(ask 60 -q -p --nosignature --qf "$name_query" -- "$file" 2>/dev/null)
        case " $wanted " in
        *" $name "*) offer "$name" "$file" "$source" ;;
        *) unusable "$source" "$file is ${name:-no package}" ;;
        esac
    done
}

# offer_cached FOLDER...: what package managers kept of their downloads, by the names that repositories give.
offer_cached() {
    for package in $wanted; do
        for folder in "$@"; do
            for file in "$folder/$package.rpm" "$folder"/*/"$package.rpm" "$folder"/*/*/"$package.rpm" \
                "$folder"/*/*/*/"$package.rpm" "$folder"/*/*/*/*/"$package.rpm"; do
                [ ! -f "$file" ] || offer "$package" "$file" cache
            done
        done
    done
}

# Those of the settings that a package ships, as it shipped them.
vouched_settings() {
    split_lines
    # shellcheck disable=SC2086  # one path a line
    captured ask 60 -qf --qf '%{NAME}\n' -- $settings
    bad=$(printf '%s\n' "$output" | sed -n 's/^file \(.*\) is not owned by any package$/\1/p')
    owned=$(printf '%s\n' "$settings" "$bad" "$bad" | sort | uniq -u)
    # shellcheck disable=SC2086
    [ -z "$owned" ] || verified verify_files $owned
    ! cut_short "$status" || return 0
    [ -z "$owned" ] || bad=$(printf '%s\n' "$output" | sed -n 's/^..5[^/]* \(\/.*\)$/\1/p')
    printf '%s\n' "$owned" "$bad" "$bad" | sort | uniq -u
}

# What rpm's library would obey beside what packages ship: not only words, as zypper's and microdnf's do.
foreign_setting() {
    settings=$(rpm_settings)
    [ -n "$settings" ] || return 0
    vouched=$(vouched_settings)
    printf '%s\n' "$settings" "$vouched" "$vouched" | sort | uniq -u | while IFS= read -r path; do
        is_literal "$path" || { printf '%s\n' "$path" && break; }
    done
}

# vouched PROGRAM: it is there, and its package is as the vendor shipped it.
vouched() {
    [ -x "$1" ] || { unusable "$2" "$1 is not installed" && return 1; }
    ! others_lead "${1%/*}" || { unusable "$2" "not started, others than root may change $open_folder" && return 1; }
    verified verify_files "$1"
    altered=$(printf '%s' "$output" | grep -v -E '^.{9,11}[cdglr] /|^\.\.\.\.\.\.\.T\.')
    [ -z "$altered" ] || { unusable "$2" "not started, its package is altered: $altered" && return 1; }
    foreign=$(foreign_setting)
    [ -z "$foreign" ] || { unusable "$2" "not started, it would obey $foreign, which no package vouches for" && return 1; }
}

unusable() {
    answer "unusable $1" "$2"
}

# What it starts or loads beside its own files must be packages', and of zypper no Python program (the cloud's URL resolver is
# one), which would run on what is not verified.
may_run_zypper() {
    vouched /usr/bin/zypper zypper && vouched_plugins zypper /usr/lib/zypp/plugins || return 1
    plugin=$(python_plugin) || return 0
    unusable zypper "not started, its plugin $plugin runs Python, which is not verified"
    return 1
}

may_run_microdnf() {
    vouched /usr/bin/microdnf microdnf && vouched_plugins microdnf /usr/lib64/libdnf/plugins /usr/lib/libdnf/plugins
}

# vouched_plugins MANAGER FOLDER...: packages ship all that is below the folders, and it is as they shipped it.
vouched_plugins() {
    manager=$1
    shift
    for folder in "$@"; do
        [ -d "$folder" ] || continue
        ! others_lead "$folder" || { unusable "$manager" "not started, others than root may change $open_folder" && return 1; }
        settings=$(find "$folder/" ! -type d)
        [ -n "$settings" ] || continue
        vouched=$(vouched_settings)
        plugin=$(printf '%s\n' "$settings" "$vouched" "$vouched" | sort | uniq -u | head -n 1)
        [ -z "$plugin" ] || { unusable "$manager" "not started, no package vouches for its plugin $plugin" && return 1; }
    done
}

python_plugin() {
    for plugin in /usr/lib/zypp/plugins/*/*; do
        [ -f "$plugin" ] || continue
        IFS= read -r first <"$plugin" || true
        case $first in
        '#!'*python*) printf '%s\n' "$plugin" && return 0 ;;
        esac
    done
    return 1
}

download_by_zypper() {
    may_run_zypper || return 0
    # shellcheck disable=SC2086  # one package a word
    captured limited "$manager_timeout" zypper --non-interactive --xmlout --pkg-cache-dir "$staging/download/zypper" \
        download -- $specs
    # A repository in a folder keeps its files there.
    found=$(printf '%s\n' "$output" | sed -n 's/.*<localfile path="\([^"]*\)".*/\1/p')
    offer_downloaded zypper
}

download_by_microdnf() {
    may_run_microdnf || return 0
    mkdir "$staging/download/microdnf"
    # It has no --destdir: the files come to the current folder.
    # shellcheck disable=SC2016,SC2086  # for the other shell; one package a word
    captured limited "$manager_timeout" sh -c 'cd -- "$1" && shift && exec microdnf download -- "$@"' \
        sh "$staging/download/microdnf" $wanted
    found=$(printf '%s\n' "$staging"/download/microdnf/*.rpm)
    offer_downloaded microdnf
}

# Exit codes of package managers say success for packages that were not found, so only the files count.
offer_downloaded() {
    for package in $wanted; do
        file=$(printf '%s\n' "$found" | grep -F "/$package.rpm" | head -n 1)
        if [ -f "$file" ]; then
            offer "$package" "$file" "$1"
        else
            unusable "$1" "no $package: $(how_it_ended)"
        fi
    done
}

# How a captured command ended.
how_it_ended() {
    printf 'exit code %s, the output ends with: ' "$status"
    printf '%s\n' "$output" "$errors" | tail -c 600
}

remove_staging() {
    minutes=$1
    shift
    for folder; do
        [ "$minutes" -eq 0 ] || [ -n "$(find "$folder" -prune -mmin "+$minutes" 2>/dev/null)" ] || continue
        rm -rf -- "$folder" && answer "removed $folder"
    done
}

# adopt FILE TARGET: what was uploaded, into the folder that only root can enter.
adopt() {
    failure=$(cp -- "$1" "$2" 2>&1) || answer failed "$failure"
}
