# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

# --- what rpm obeys --------------------------------------------------------------------------------------------------

# rpm_settings: what rpm reads, runs or loads at its start; the patterns are those of _rpm/settings.py.
rpm_settings() {
    for path in /usr/lib/rpm/macros.d/macros.* /usr/lib/rpm/platform/*/macros /usr/lib/rpm/fileattrs/*.attr \
        /usr/lib/rpm/*/macros /etc/rpm/macros.* /etc/rpm/macros /etc/rpm/*/macros /root/.rpmmacros \
        /root/.config/rpm/macros /usr/lib/rpm/init.lua /usr/lib64/rpm-plugins/*.so /usr/lib/rpm-plugins/*.so \
        /usr/lib/rpm/*/rpmrc /etc/rpmrc /root/.rpmrc /root/.config/rpm/rpmrc; do
        case $path in
        *"$NL"* | *.rpmnew | *.rpmsave | *.rpmorig) ;;
        *) [ ! -f "$path" ] || printf '%s\n' "$path" ;;
        esac
    done
}

# is_literal FILE: it only gives words for names, and for none that decides whom rpm believes.
is_literal() {
    case $1 in
    *.lua | *.so | *rpmrc) return 1 ;;
    esac
    lines=$(sed -e :a -e '/\\$/{' -e N -e 's/\\\n//' -e ta -e '}' "$1") || return 1
    ! printf '%s\n' "$lines" | grep -q -v -E "^[ $TAB]*(#.*|%[A-Za-z_][A-Za-z0-9_]*([ $TAB]+[^%]*)?)?\$" || return 1
    deciding='__|_dbpath|_db_backend|_rpmlock|_keyring|_pkgverify|_vsflags|_rpmconfigdir|_rpmluadir'
    ! printf '%s\n' "$lines" | grep -q -E "^[ $TAB]*%($deciding)"
}
