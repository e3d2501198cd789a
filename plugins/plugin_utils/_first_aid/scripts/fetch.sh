# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

# PRIVATE to the collection. Reads the enabled repositories on the host, because only the host may reach them; their
# metadata is understood on the controller. Needs stage.sh before it, and calls of the functions below.
# Settings: download_timeout (seconds for one file), fetch_timeout (for all that a script downloads), most_opened (bytes of
# metadata when it is decompressed).
# shellcheck disable=SC2154  # set by the controller, or by the scripts before

# show_file PATH: its content for the controller.
show_file() {
    [ -f "$1" ] && [ "$(stat -L -c %s -- "$1")" -le 1048576 ] || return 0
    case $1 in
    *"$NL"*) return 0 ;;
    esac
    answer file "$1"
    show_encoded "$1"
}

# show_configuration: all that says which repositories there are and how they are reached.
show_configuration() {
    for file in /etc/dnf/dnf.conf /etc/yum.repos.d/*.repo /etc/yum/repos.d/*.repo /etc/distro.repos.d/*.repo \
        /etc/dnf/vars/* /etc/yum/vars/* /usr/share/dnf5/vars.d/* /etc/dnf/vars.d/* /etc/zypp/repos.d/*.repo \
        /etc/zypp/vars.d/* /etc/zypp/credentials.d/* /etc/sysconfig/proxy /etc/os-release /usr/lib/os-release; do
        show_file "$file"
    done
    section "architecture $(system_architecture)"
    for provider in "$@"; do
        section "provider $provider"
        ask 60 -q --whatprovides --qf '%{VERSION}\n[%{PROVIDENAME} %{PROVIDEVERSION}\n]' -- "$provider" 2>/dev/null
        section "provider-rc $provider $?"
    done
}

# adopt_options FILE: how each repository is reached. It holds passwords, so it comes as a file and stays in files that only
# root can read. A line is a name and, encoded, the content.
adopt_options() {
    mkdir -p "$staging/options"
    while read -r name content; do
        printf '%s' "$content" | base64 -d >"$staging/options/$name"
    done <"$1"
    rm -f -- "$1"
}

# download ID URL LIMIT REPOSITORY CA: saves URL as ID, by the options of the repository. All downloads of a script have
# fetch_timeout seconds together, whatever a server makes of each.
download() {
    target=$staging/download/$1
    rm -f "$target"
    now=$(date +%s)
    fetch_end=${fetch_end:-$((now + fetch_timeout))}
    seconds=$((fetch_end - now))
    [ "$seconds" -le "$download_timeout" ] || seconds=$download_timeout
    if [ "$seconds" -le 0 ]; then
        status=124 output='no time is left for it'
    elif command -v curl >/dev/null; then
        explained at_most "$3" curl_download "$2" "$3" "$staging/options/$4" "$5"
    elif command -v wget >/dev/null; then
        explained at_most "$3" wget_download "$2" "$staging/options/$4" "$5"
    else
        status=127 output='neither curl nor wget is installed'
    fi
    size=0
    [ ! -f "$target" ] || size=$(stat -c %s "$target")
    [ "$size" -le "$3" ] || { status=63 output="it is longer than $3 bytes" && rm -f "$target"; }
    [ "$status" -eq 0 ] || rm -f "$target"
    # What curl and wget say where they cannot write.
    case $status in
    124 | 137) output="it was not there in $seconds seconds" ;;
    3 | 23) [ "$(free_kilobytes)" -ge $(($3 / 1024)) ] || { answer failed 'No space left on device' && return 1; } ;;
    esac
    answer "download $1 $status $size" "$output"
}

free_kilobytes() {
    df -Pk "$staging" | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4
}

# at_most BYTES FUNCTION...: no file grows beyond, whatever a server says of its length. Shells count in blocks of 512 or
# 1024 bytes. Called in a subshell.
at_most() {
    ulimit -f $(($1 / 512 + 1))
    shift
    "$@"
}

curl_download() {
    authorities=''
    [ -z "$4" ] || authorities="cacert = \"$4\""
    [ ! -d "$4" ] || authorities="capath = \"$4\""
    { cat "$3-curl" && printf '\n%s\nurl = "%s"\n' "$authorities" "$1"; } | timeout -k 5 "$seconds" \
        curl --config - --silent --show-error --fail --location --max-redirs 10 --proto =http,https,ftp,file \
        --proto-redir =http,https,ftp --max-filesize "$2" --connect-timeout 15 --speed-limit 100 --speed-time 60 \
        --output "$target"
}

wget_download() {
    authorities=''
    [ -z "$3" ] || authorities="ca_certificate = $3"
    [ ! -d "$3" ] || authorities="ca_directory = $3"
    (umask 077 && { cat "$2-wget" && printf '\n%s\n' "$authorities"; } >"$staging/wgetrc")
    printf '%s\n' "$1" | WGETRC=$staging/wgetrc timeout -k 5 "$seconds" wget --quiet --tries=2 --timeout=30 \
        --input-file=- --output-document="$target" 2>&1
}

# check ID ALGORITHM VALUE: what the repository says the file is.
check() {
    [ -f "$staging/download/$1" ] || return 0
    found=$("$2sum" "$staging/download/$1" | cut -d ' ' -f 1)
    [ "$found" != "$3" ] || return 0
    rm -f "$staging/download/$1"
    answer "mismatch $1" "$found"
}

# show_download ID: a small file, whole.
show_download() {
    [ -f "$staging/download/$1" ] || return 0
    section "content-of $1"
    show_encoded "$staging/download/$1"
}

# cut_packages ID NAME...: the few elements of a primary.xml that matter, so that the rest need not travel.
cut_packages() {
    id=$1
    shift
    [ -f "$staging/download/$id" ] || return 0
    if ! command -v awk >/dev/null; then
        show_download "$id"
        return 0
    fi
    section "cut $id"
    # A tag, with the text behind it, becomes a line, so that awk never holds more of one than cut leaves.
    # shellcheck disable=SC2016  # for awk
    decompressed "$staging/download/$id" | head -c "$most_opened" | tr '\n<' ' \n' | cut -b -65536 |
        timeout -k 5 "$download_timeout" awk -v names=" $* " '
        $1 == "package" { inside = 1; text = ""; wanted = 0 }
        inside { text = text "<" $0 }
        inside && length(text) > 1048576 { inside = 0 }
        inside && substr($0, 1, 5) == "name>" { if (index(names, " " substr($0, 6) " ")) wanted = 1 }
        substr($0, 1, 9) == "/package>" { if (inside && wanted) printf "%s", text; inside = 0 }
        substr($0, 1, 10) == "/metadata>" { whole = 1 }
        END { if (whole) printf "<!-- whole -->" }
    ' | head -c "$most_output"
}

# By its first bytes; its name may say anything.
decompressed() {
    case $(od -An -tx1 -N4 "$1" | tr -d ' \n') in
    1f8b*) timeout -k 5 "$download_timeout" gzip -dc "$1" ;;
    fd377a58) timeout -k 5 "$download_timeout" xz -dc --memlimit-decompress=268435456 "$1" ;;
    425a68*) timeout -k 5 "$download_timeout" bzip2 -dc "$1" ;;
    28b52ffd) timeout -k 5 "$download_timeout" zstd -dcq "$1" ;;
    *) cat "$1" ;;
    esac
}
