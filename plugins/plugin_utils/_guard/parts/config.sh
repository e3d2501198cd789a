# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # variables of other parts

# --- the configuration -----------------------------------------------------------------------------------------------

# Data, never executed: KEY and tab-separated values a line. Lists become variables with a line per entry.
load_config() {
    schema='' contract='' state='' full_every=21600 wait_seconds=120 postpone_limit=3600 metrics='' baseline=''
    required='' packages='' links='' binaries='' twins='' libraries='' selinux='' unversioned='' unversioned_policy=''
    unversioned_target='' manager='' manager_packages='' manager_interpreter='' groups='' admin_folders='' entries=''
    command_name='' moved='' plugin_places='' plugin_conf='' variables='' settings='' watched='' notify='' passable=''
    asked_for='' exceptions='' landmarks='' scripts='' archives='' user_folders='' local_folders='' sites='' in_library='' in_sites=''
    link_paths=$NL
    rules="baseline-missing baseline-missing major${NL}baseline-altered baseline-altered critical$NL"
    [ -r "$config" ] || die "there is no readable configuration $config; the role python_guard writes it"
    IFS=$NL
    set -f
    # By the shell's read each byte would be a system call.
    # shellcheck disable=SC2013
    for line in $(cat "$config"); do
        IFS=$TAB
        # shellcheck disable=SC2086  # its fields
        set -- $line
        key=${1-} one=${2-} two=${3-} three=${4-}
        case $key in
        '' | '#'*) ;;
        schema) schema=$one ;;
        contract) contract=$one ;;
        state) state=$one ;;
        full_every) full_every=$one ;;
        wait_seconds) wait_seconds=$one ;;
        postpone_limit) postpone_limit=$one ;;
        metrics) metrics=$one ;;
        baseline) baseline=$one ;;
        required) required="$required$one$NL" packages="$packages$one$NL" ;;
        optional) packages="$packages$one$NL" ;;
        command) command_name=$one ;;
        link) links="$links$one$TAB$two$TAB$three$NL" link_paths="$link_paths$one$NL" ;;
        moved) moved="$moved$one$TAB$two$TAB$three$NL" ;;
        binary) binaries="$binaries$one$TAB$two$NL" ;;
        twin) twins="$twins$one$TAB$two$NL" ;;
        place) load_place "$one" "$two" ;;
        asked_for) asked_for="$asked_for$one$NL" ;;
        selinux) selinux=$one ;;
        unversioned) unversioned=$one unversioned_policy=$two unversioned_target=${three:-} ;;
        manager) manager=$one manager_interpreter=${two:-} ;;
        plugin_folder) plugin_places="$plugin_places$one$NL" ;;
        plugin_conf) plugin_conf=$one ;;
        manager_package) manager_packages="$manager_packages$one$NL" ;;
        group) groups="$groups$one$TAB$two$TAB$three$NL" ;;
        admin_folder) admin_folders="$admin_folders$one$NL" ;;
        entries) entries=$one ;;
        variable) variables="$variables$one$NL" ;;
        settings) settings="$settings$one$TAB$two$TAB$three$NL" watched="$watched$three$NL" ;;
        watch) watched="$watched$one$NL" ;;
        passable) passable="$passable$one$NL" ;;
        notify) notify="$notify$one$NL" ;;
        exception) exceptions="$exceptions$one$TAB$two$TAB$three$NL" ;;
        rule) rules="$rules$one $two $three$NL" ;;
        *) die "unknown key $key in $config" ;;
        esac
    done
    IFS=" $TAB$NL"
    set +f
    [ -z "$exceptions" ] || day=$(date -u +%Y%m%d)
    [ "$schema" = 1 ] || die "$config has the schema '$schema'; this checker reads 1"
    [ -n "$state" ] || die "$config names no state folder"
}

# load_place ROLE PATH: where the system's Python looks, see _audit/import_path.py; `in_library` and `in_sites` are such
# paths as the branches of a regular expression.
load_place() {
    case $1 in
    landmark) landmarks="$landmarks$2$NL" ;;
    script) scripts="$scripts$2$NL" ;;
    archive) archives="$archives$2$NL" ;;
    user) user_folders="$user_folders$2$NL" ;;
    local) local_folders="$local_folders$2$NL" ;;
    library) escape_dots "$2" && libraries="$libraries$2$NL" in_library=${in_library:+$in_library|}$escaped ;;
    site) escape_dots "$2" && sites="$sites$2$NL" in_sites=${in_sites:+$in_sites|}$escaped ;;
    *) die "unknown place $1 in $config" ;;
    esac
}

# escape_dots TEXT: sets `escaped`.
escape_dots() {
    escaped='' rest=$1
    while :; do
        case $rest in
        *.*) escaped=$escaped${rest%%.*}'[.]' rest=${rest#*.} ;;
        *) break ;;
        esac
    done
    escaped=$escaped$rest
}
