# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

# --- the database that rpm is to be asked about, and what gives its options another meaning --------------------------

holds_database() {
    [ -s "$1/rpmdb.sqlite" ] || [ -s "$1/Packages" ] || [ -s "$1/Packages.db" ]
}

# named_databases MACRO_FILE...: the folders that they name, where no macro has to be expanded.
named_databases() {
    for file in "$@"; do
        [ ! -f "$file" ] || sed -n -e 's/%{_var}/\/var/' -e 's/%{_usr}/\/usr/' -e 's/%{_prefix}/\/usr/' \
            -e "s/^%_dbpath[ $TAB]\{1,\}\(\/[^% $TAB]*\)[ $TAB]*\$/\1/p" "$file"
    done
}

# Sets `database`, the folder that rpm is to be asked about. Asked for one that is gone, rpm makes an empty one; this only
# looks. Where both usual places have one, the vendor's macros tell, and the administrator's own place comes last.
find_database() {
    set -- /usr/lib/sysimage/rpm /var/lib/rpm
    if holds_database "$1" && holds_database "$2" && ! [ "$1" -ef "$2" ]; then
        # shellcheck disable=SC2046  # one folder a word
        set -- $(named_databases /usr/lib/rpm/macros) "$@"
    elif ! holds_database "$1" && ! holds_database "$2"; then
        # shellcheck disable=SC2046
        set -- $(named_databases /etc/rpm/macros /etc/rpm/macros.*)
    fi
    for database in "$@"; do
        ! holds_database "$database" || return 0
    done
    database=''
    return 1
}

# The first line in popt's files that gives rpm's options another meaning, by its name or by a pattern of names.
rpm_alias() {
    for file in /etc/popt /etc/popt.d/*; do
        [ ! -f "$file" ] || sed -e :a -e '/\\$/{' -e N -e 's/\\\n//' -e ta -e '}' "$file" |
            grep -m 1 -E "^[ $TAB]*(rpm(keys|db)?[ $TAB]|[A-Za-z0-9_.+-]*[^A-Za-z0-9_.+# $TAB-])"
    done | head -n 1
}
