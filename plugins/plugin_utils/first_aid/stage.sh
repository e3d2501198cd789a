# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

# PRIVATE to the collection. A folder for what is brought to the host, and packages that the host has at hand: given
# files, package caches, and what its native package managers download. Nothing is installed.
# Settings: staging_parent, staging_prefix, and calls of the functions below.
# shellcheck disable=SC2154  # set by the controller, or by common.sh

# make_staging: only root can enter it, so what is checked in it is what will be installed.
make_staging() {
    staging=$(umask 077 && mktemp -d "$staging_parent/${staging_prefix}XXXXXX" 2>&1)
    if [ ! -d "$staging" ]; then
        section failed
        printf '%s\n' "$staging"
        return 1
    fi
    mkdir -m 0700 "$staging/packages" "$staging/download"
    section "staging $staging"
    df -Pk "$staging"
}

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
        section failed
        printf '%s\n' "$failure"
        return 1
    fi
    section "staged $1 $3 $staged"
    printf '%s\n' "$2"
    section header
    rpm -q -p --nosignature --qf '%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}\n' "$staged" 2>&1 </dev/null
    section signature
    rpm -K -v "$staged" 2>&1 </dev/null
    section "content $(content_of -p --nosignature "$staged") $(content_of "$1")"
}

# What a package puts on the disk, as one number: the same number, the same files. "none" where it is not installed.
content_of() {
    content=$(rpm -q "$@" --qf '[%{FILEMODES} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILEDIGESTS} %{FILELINKTOS} %{FILENAMES}\n]' \
        2>/dev/null </dev/null) || { printf none && return 0; }
    printf '%s\n' "$content" | sha256sum | cut -d ' ' -f 1
}

# offer_given SOURCE FILE...: files that the operator named, or that were lent; what they are is in their headers.
offer_given() {
    source=$1
    shift
    for file in "$@"; do
        if [ ! -f "$file" ]; then
            section "unusable $source"
            printf '%s: no such file\n' "$file"
            continue
        fi
        name=$(rpm -q -p --nosignature --qf '%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}' "$file" 2>/dev/null </dev/null)
        case " $wanted " in
        *" $name "*) offer "$name" "$file" "$source" ;;
        *)
            section "unusable $source"
            printf '%s is %s\n' "$file" "${name:-no package}"
            ;;
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

# vouched PROGRAM: it is there, and its package is as the vendor shipped it.
vouched() {
    [ -x "$1" ] || { unusable "$2" "$1 is not installed" && return 1; }
    altered=$(limited 120 rpm -V --nodeps --noscripts -f "$1" 2>&1 | grep -v -E '^.{9,11}[cdglr] /|^\.\.\.\.\.\.\.T\.')
    [ -z "$altered" ] || { unusable "$2" "not started, its package is altered: $altered" && return 1; }
}

unusable() {
    section "unusable $1"
    printf '%s\n' "$2"
}

# Plugins of zypper may be Python programs (the cloud's URL resolver is one), which would run unverified.
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
    vouched /usr/bin/zypper zypper || return 0
    plugin=$(python_plugin) && unusable zypper "not started, its plugin $plugin runs Python, which is not verified" && return 0
    specs=''
    for package in $wanted; do
        specs="$specs $(rpm -q --qf '%{NAME}.%{ARCH}=%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}' "$package" </dev/null)"
    done
    # shellcheck disable=SC2086  # one package a word
    captured limited "$manager_timeout" zypper --non-interactive --xmlout --pkg-cache-dir "$staging/download/zypper" \
        download -- $specs
    # A repository in a folder keeps its files there.
    found=$(printf '%s\n' "$output" | sed -n 's/.*<localfile path="\([^"]*\)".*/\1/p')
    offer_downloaded zypper
}

download_by_microdnf() {
    vouched /usr/bin/microdnf microdnf || return 0
    mkdir "$staging/download/microdnf"
    # shellcheck disable=SC2086  # one package a word
    captured limited "$manager_timeout" microdnf download --destdir="$staging/download/microdnf" $wanted
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
            unusable "$1" "no $package: exit code $status, the output ends with: $(printf '%s\n' "$output" | tail -c 600)"
        fi
    done
}

remove_staging() {
    for folder in "$@"; do
        rm -rf -- "$folder"
    done
}

# adopt FILE TARGET: what was uploaded, into the folder that only root can enter.
adopt() {
    failure=$(cp -- "$1" "$2" 2>&1) && return 0
    section failed
    printf '%s\n' "$failure"
}
