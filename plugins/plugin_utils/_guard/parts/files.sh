# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # variables of other parts

# --- the files of the packages ---------------------------------------------------------------------------------------

harmless() {
    case $1 in
    [cdglras]) return 0 ;;
    esac
    case $2 in
    /usr/share/doc/* | /usr/share/info/* | /usr/share/licenses/* | /usr/share/locale/* | /usr/share/man/*) return 0 ;;
    /usr/lib/.build-id | /usr/lib/.build-id/*) return 0 ;;
    esac
    return 1
}

# $work/drift: KIND (missing, replaced, content, metadata or stricter), PACKAGE and PATH, for what is not as rpm has it.
verify() {
    # shellcheck disable=SC2086  # one package a word
    ask 600 -V --nodeps --noscripts -- $recorded >"$work/verify"
    code=$?
    answered "$code" || return 1
    trouble='rpm -V failed'
    [ "$code" -eq 0 ] || [ -s "$work/verify" ] || return 1
    ! grep -q -x 'package .* is not installed' "$work/verify" || return 1
    [ -z "$unfinished" ] || drop_as_shipped
    : >"$work/drift"
    while IFS= read -r line; do
        case $line in
        # Without it Python reads the source.
        'missing   '*/__pycache__ | 'missing   '*/__pycache__/*.pyc) continue ;;
        'missing   '??/*) deviation=missing line=${line#missing   } ;;
        [S.?][M.?][5.?][D.?][L.?][U.?][G.?][T.?][P.?]'  '??/*) deviation=${line%%  *} line=${line#???????????} ;;
        *) continue ;;
        esac
        attribute=${line%"${line#?}"}
        path=${line#??}
        ! harmless "$attribute" "$path" || continue
        kind='' package=''
        case $path in
        # A name may end like rpm's note.
        *' (replaced)') record "$path" || kind=replaced path=${path% (replaced)} ;;
        esac
        [ -n "$kind" ] || kind=$(kind_of_deviation)
        [ -n "$kind" ] || continue
        record "$path" || :
        printf '%s\t%s\t%s\n' "$kind" "$package" "$path" >>"$work/drift"
    done <"$work/verify"
}

# Takes out of $work/verify what one of several releases has so: rpm names a file once for each release that disagrees.
# One that not all have may be gone, or may have been made anew. Thousands of files differ between releases, so that this
# comes before each line is looked at.
drop_as_shipped() {
    sed -e 's/^missing   . //' -e 's/^[^ ]\{9\}  . //' -e 's/ (replaced)$//' "$work/verify" >"$work/deviating"
    for name in $unfinished; do
        grep "^$name$TAB" "$work/files" | cut -f 5-
    done | counted >"$work/releases"
    counted <"$work/deviating" | comm -12 "$work/releases" - | sed -n '/^1 /!s/^[0-9]* //p' | sort >"$work/nobodys"
    sed 's/^[0-9]* //' "$work/releases" | sort | comm -23 - "$work/nobodys" >"$work/disputed"
    paste -d "$TAB" "$work/deviating" "$work/verify" | sort -u -t "$TAB" -k 1,1 |
        join -t "$TAB" -v 2 "$work/disputed" - | cut -f 2- >"$work/verify.new"
    mv -f "$work/verify.new" "$work/verify"
}

# Equal lines once, each with their number in front.
counted() {
    sort | uniq -c | sed 's/^ *//' | sort
}

kind_of_deviation() {
    case $deviation in
    missing) [ "$attribute" = m ] || echo missing ;;
    *[S5DL?]*) echo content ;;
    *[MUGP]*)
        # Of another kind of file in the place of this one rpm says no more than M.
        if record "$path"; then
            there=-
            [ ! -d "$path" ] || there=d
            [ ! -L "$path" ] || there=l
            case $perms in
            "$there"*) is_stricter "$deviation" "$perms" "$(stat -c %A -- "$path")" && echo stricter || echo metadata ;;
            *) echo content ;;
            esac
        else
            echo metadata
        fi
        ;;
    esac
}

# is_stricter DEVIATION SHIPPED FOUND: only the mode differs, and as ls writes it, nobody may do more than shipped, and the
# owner reads and runs it as before.
is_stricter() {
    case $1:$2:$3 in
    *[SDLUGP5]*:*:* | *:?r????????:?-???????? | *:???x??????:???-??????) return 1 ;;
    esac
    rest=$3 shipped=$2
    while [ -n "$rest" ]; do
        case ${shipped%"${shipped#?}"}${rest%"${rest#?}"} in
        ?- | dd | ll | rr | ww | xx | ss | SS | tt | TT) ;;
        *) return 1 ;;
        esac
        rest=${rest#?} shipped=${shipped#?}
    done
}

drift_of() {
    drifted=''
    [ -s "$work/drift" ] && line_of "$1" "$work/drift" || return 0
    drifted=${line%%"$TAB"*}
}

is_program() {
    [ -f "$1" ] && [ ! -L "$1" ] && [ -s "$1" ] || return 1
    case $(stat -c %A -- "$1") in
    *[xs]*) ;;
    *) return 1 ;;
    esac
}

judge_binaries() {
    reported=$link_paths
    unwell=$NL
    while IFS=$TAB read -r path owner; do
        [ -n "$path" ] || continue
        judge_name "$path" "$owner" SP201
        while IFS=$TAB read -r twin first; do
            [ "$first" = "$path" ] || continue
            judge_name "$twin" "$owner" SP204
            if [ -e "$path" ] && [ -e "$twin" ] && ! [ "$path" -ef "$twin" ]; then
                found SP204 "$twin" "$twin and $path are no longer one file"
            fi
        done <<EOF
$twins
EOF
    done <<EOF
$binaries$called
EOF
}

# judge_name PATH PACKAGE ID: ID is the finding for other content.
judge_name() {
    reported="$reported$1$NL"
    drift_of "$1"
    if [ -L "$1" ]; then
        link_text "$1"
        json_text "$text"
        found SP203 "$1" "$1 became a link to $json; the package $2 ships a file"
    elif ! is_program "$1"; then
        unwell="$unwell$1$NL"
        found SP202 "$1" "$1 is missing, empty or not executable"
    elif [ "$drifted" = content ]; then
        [ "$3" = SP204 ] && [ "$path" -ef "$1" ] || [ "$3" = SP201 ] || return 0
        found "$3" "$1" "$1 is not the file that the package $2 shipped"
    fi
}

# One finding for each package, with the first path: a standard library that is gone would give thousands.
judge_files() {
    reported_by=$NL
    while IFS=$TAB read -r kind package path; do
        id='' severity=''
        case $kind in
        replaced) id=SP206 what='another package replaced' ;;
        metadata | stricter)
            is_in "$path" "$unwell" || {
                json_text "$path"
                [ "$kind" = metadata ] && how='not as' || how='stricter than'
                found SP207 "$path" "mode, owner or capabilities of $json are $how the package $package shipped them" \
                    "$([ "$kind" = stricter ] || severity_of_metadata)"
            }
            ;;
        *)
            # What a group governs has the group's finding.
            is_in "$path" "$reported" || grep -q -x -F -- "$path" "$work/governed" || {
                if pip_claims "$path"; then
                    id=SP208 what='pip replaced'
                else
                    id=SP205 what='not as shipped:'
                    # Python does not read this one, pip does; images and people delete it.
                    [ "${path##*/}" != EXTERNALLY-MANAGED ] || severity=minor
                fi
            }
            ;;
        esac
        if [ -n "$id" ] && ! is_accepted "$id" "$path" && ! is_in "$id $package $severity" "$reported_by"; then
            reported_by="$reported_by$id $package $severity$NL"
            json_text "$path"
            found "$id" "$path" "$what $json of the package $package, and perhaps more of it" "$severity"
        fi
    done <"$work/drift"
}

# Of the mode that `path` has now.
severity_of_metadata() {
    found_mode=$(stat -c '%u %A' -- "$path")
    ! others_change "$found_mode" || { echo critical && return; }
    case $found_mode in
    # Whoever starts it has its owner's rights, or its group's.
    *' -'??[sS]* | *' -'?????[sS]*) echo critical ;;
    '0 l'* | '0 '????r??r??) ;;
    *) echo major ;;
    esac
}

# pip_claims PATH: a dist-info of pip or uv beside it has it in its RECORD.
pip_claims() {
    case $1 in
    */site-packages/*) site=${1%%/site-packages/*}/site-packages ;;
    */dist-packages/*) site=${1%%/dist-packages/*}/dist-packages ;;
    *) return 1 ;;
    esac
    for info in "$site"/*.dist-info; do
        [ -f "$info/INSTALLER" ] && [ -f "$info/RECORD" ] || continue
        grep -q -x -e pip -e uv "$info/INSTALLER" || continue
        cut -d , -f 1 "$info/RECORD" | tr -d '"' >"$work/record"
        ! grep -q -x -F -- "${1#"$site/"}" "$work/record" || return 0
    done
    return 1
}
