# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2154  # variables of other parts

# --- variables that settings files set for everyone ------------------------------------------------------------------

# $work/set: the variables that files set for everyone; see note_variables.
list_variables() {
    : >"$work/set"
    told=$NL
    each_settings_file note_told_variables
}

judge_variables() {
    while IFS=$TAB read -r _group name who file; do
        json_text "$file"
        case $name in
        LD_*)
            # What it brings, and so how bad it is, the audit tells.
            found SP111 "$file" "$name is set for $who in $json: every program obeys it" minor
            continue
            ;;
        esac
        by='every Python' severity=''
        [ "$name" != PYTHONSTARTUP ] || by='every Python used interactively' severity=minor
        found SP107 "$file" "$name is set for $who in $json: $by obeys it, including the system's tools" "$severity"
    done <"$work/set"
}

note_told_variables() {
    ! tells "$2" "$of_variables" || note_variables "$@"
}

# note_variables SYNTAX FILE: adds to $work/set which of the variables the file sets, and those that it includes, as GROUP
# (in which one file takes back what another sets), name, $who and file. Line by line, so coarser than the audit, which
# knows the grammar of each syntax: what stands in a function that nobody calls counts.
note_variables() {
    end_of "$2"
    real="real ${end:-$2}"
    ! is_in "$1 $2" "$told" && { is_in "path $2" "$told" || ! is_in "$real" "$told"; } || return 0
    told="$told$1 $2${NL}path $2$NL$real$NL"
    lines=$(settings_lines "$1" "$2")
    for name in $variables; do
        case $lines in
        *"$name"* | *Environment*) ;;
        *) continue ;;
        esac
        reset=$(reset_of "$1")
        if printf '%s\n' "$lines" | grep -q -E "^($reset)"; then
            grep -v "^$group$TAB$name$TAB" "$work/set" >"$work/kept"
            mv -f "$work/kept" "$work/set"
        fi
        # Behind the last line that takes it back.
        ! printf '%s\n' "$lines" | tac | sed -E "/^($reset)/q" | gives_value "$1" ||
            printf '%s\t%s\t%s\t%s\n' "$group" "$name" "$who" "$2" >>"$work/set"
    done
    included=''
    case $lines in
    *source* | *.[[:space:]]* | *ENV=* | *env_file* | *EnvironmentFile*)
        included=$(printf '%s\n' "$lines" | included_in "$1")
        ;;
    esac
    while IFS=$TAB read -r included_syntax file; do
        [ -n "$file" ] || continue
        printf '%s\n' "$file" >>"$work/targets"
        [ ! -f "$file" ] || ! grep -q -E "$about" "$file" || note_variables "$included_syntax" "$file"
    done <<EOF
$included
EOF
}

# settings_lines SYNTAX FILE: prints what is no comment, lines that go on joined; of shell scripts neither what
# here-documents have.
settings_lines() {
    case $1 in
    sh | csh) outside_documents "$2" | without_comments '(^|[[:space:]])#.*' ;;
    environment | pam_env.conf) without_comments '#.*' <"$2" ;;
    *) without_comments '^[[:space:]]*[#;].*' <"$2" ;;
    esac
}

outside_documents() {
    sed -E ':again
        /(^|[^<])<<-?[ ]*["'\''\\]?[A-Za-z_]/{
            /^[^\n]*<<-?[ ]*["'\''\\]?([A-Za-z_0-9]+)[^\n]*\n(.*\n)?\t*\1$/!{
                $!{
                    N
                    b again
                }
            }
            s/\n.*//
        }' "$1"
}

without_comments() {
    sed -E "s/$1//"'
        :again
        /\\$/{
            $!{
                N
                s/\\\n/ /
                b again
            }
        }'
}

# reset_of SYNTAX: prints the form of a line that takes $name back.
reset_of() {
    case $1 in
    sh) echo "unset[[:space:]]+([A-Za-z_0-9]+[[:space:]]+)*$name([[:space:];]|\$)|(export[[:space:]]+)?$name=(\"\"|'')?[[:space:]]*\$" ;;
    csh) echo "(unsetenv|setenv)[[:space:]]+${name}[[:space:]]*(\"\"|'')?[[:space:]]*\$" ;;
    service) echo "Environment[[:space:]]*=[[:space:]]*\$|UnsetEnvironment=.*$name" ;;
    *Environment) echo "${1}[[:space:]]*=[[:space:]]*\$" ;;
    *) echo "[[:space:]]*(export )?${name}[[:space:]]*(=[[:space:]]*(\"\"|'')?)?[[:space:]]*\$" ;;
    esac
}

# gives_value SYNTAX: tells whether a line of its input gives $name a value, and not only the one that it has.
gives_value() {
    text="([^][:space:]\"'();&|#]|\"[^\"]+\"|'[^']+')"
    value="[+]?=$text"
    start="(^|[;&|{(]|[[:space:]](then|do|else))[[:space:]]*(builtin[[:space:]]+|command[[:space:]]+)?"
    case $1 in
    sh)
        # In front of a command it holds for that alone.
        only="$start([A-Za-z_0-9]+[+]?=$text*[[:space:]]+)*$name$value$text*[[:space:]]*([;&|})]|\$)"
        form="$start(export|declare[[:space:]]+-[a-zA-Z]*x[a-zA-Z]*|typeset[[:space:]]+-[a-zA-Z]*x[a-zA-Z]*)[[:space:]]([^;&|]*[[:space:]])?[\"']?$name$value"
        ! grep -q -E "[[:space:]\"']$name([[:space:]=\"']|\$)|set[[:space:]]+-([a-z]*a|o[[:space:]]+allexport)" "$work/exports" ||
            form="$form|$only"
        ;;
    csh) form="(^|[;&|)]|[[:space:]]else)[[:space:]]*setenv[[:space:]]+${name}[[:space:]]+$text" ;;
    pam_env.conf) form="^[[:space:]]*${name}[[:space:]].*(DEFAULT|OVERRIDE)=$text" ;;
    environment* | crontab) form="^[[:space:]]*(export )?[\"']?${name}[\"']?[[:space:]]*=[[:space:]]*$text" ;;
    sshd_config) form="^[[:space:]]*[Ss][Ee][Tt][Ee][Nn][Vv]([[:space:]=].*)?[[:space:]=\"]$name=$text" ;;
    service) form="^[[:space:]]*Environment[[:space:]]*=(.*[[:space:]])?[[:space:]\"']*$name=$text" ;;
    *Environment) form="^[[:space:]]*${1}[[:space:]]*=(.*[[:space:]])?[[:space:]\"']*$name=$text" ;;
    *) return 1 ;;
    esac
    sed -E "s/$name=[\"']?[$]([{]$name(:?-)?[}]|$name)[\"']?([[:space:];]|\$)/\\3/g" | grep -q -E "$form"
}

# included_in SYNTAX: prints syntax and name of the files that its input has read in its place.
included_in() {
    case $1 in
    sh | csh) script='s/^(.*[[:space:];&])?([.]|source)[[:space:]]+["'\'']?(\/[^][*?$`"'\''[:space:];&|]+).*/'$1'\t\3/p' ;;
    service) script='s/^[[:space:]]*EnvironmentFile[[:space:]]*=[[:space:]]*-?(\/.*)/environment.d\t\1/p' ;;
    sudoers) script='s/^[[:space:]]*Defaults.*env_file[[:space:]]*=[[:space:]]*["'\'']?(\/[^"'\''[:space:],]+).*/environment\t\1/p' ;;
    *) script='' ;;
    esac
    sed -n -E "$script
        s/^(.*[[:space:]\"'])?(BASH_ENV|ENV)=[\"']?(\\/[^]\"'[:space:]\$*?]+).*/sh	\\3/p"
}
