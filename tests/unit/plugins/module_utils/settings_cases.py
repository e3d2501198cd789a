# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that set a variable for everyone, and files that only look so: for the audit and for the guard's checker."""

import typing as t

# Path, text, and whose environment it is. Each sets PYTHONPATH to /x, in its last line.
PLACES: t.List[t.Tuple[str, str, str]] = [
    ("/etc/environment", "PYTHONPATH=/x", "logins"),
    ("/usr/etc/environment", "PYTHONPATH=/x", "logins"),
    ("/etc/security/pam_env.conf", "PYTHONPATH DEFAULT=/x", "logins"),
    ("/etc/profile", "export PYTHONPATH=/x", "login shells"),
    ("/etc/profile.d/app.sh", "export PYTHONPATH+=:/x", "login shells"),
    ("/etc/bashrc", "declare -x PYTHONPATH=/x", "shells"),
    ("/etc/zprofile", "typeset -gx PYTHONPATH=/x", "shells"),
    ("/etc/zlogin", "export PYTHONPATH=/x", "shells"),
    ("/etc/profile.d/app.csh", "setenv PYTHONPATH /x", "csh"),
    ("/etc/csh.cshrc", "if ( ! $?PYTHONPATH ) setenv PYTHONPATH /x", "csh"),
    ("/root/.bashrc", "export PYTHONPATH=/x", "root's shells"),
    ("/root/.tcshrc", "setenv PYTHONPATH /x", "root's csh"),
    ("/etc/systemd/system.conf", "[Manager]\nDefaultEnvironment=PYTHONPATH=/x", "systemd"),
    ("/usr/lib/systemd/system.conf.d/app.conf", "[Manager]\nManagerEnvironment=PYTHONPATH=/x", "systemd"),
    ("/run/systemd/system.conf.d/app.conf", '[Manager]\nDefaultEnvironment="A=1" "PYTHONPATH=/x"', "systemd"),
    ("/etc/systemd/system/service.d/app.conf", "[Service]\nEnvironment=PYTHONPATH=/x", "systemd"),
    ("/etc/systemd/user.conf", "[Manager]\nDefaultEnvironment='PYTHONPATH=/x'", "services of users"),
    ("/usr/lib/environment.d/app.conf", "PYTHONPATH=/x", "services of users"),
    ("/etc/crontab", "PYTHONPATH = /x", "cron"),
    ("/etc/cron.d/app", 'PYTHONPATH="/x"', "cron"),
    ("/var/spool/cron/tabs/root", "PYTHONPATH=/x", "cron"),
    ("/etc/ssh/sshd_config.d/app.conf", "SetEnv PYTHONPATH=/x", "ssh sessions"),
]

# A file, its text, and that of the file /opt/app/env, which it includes and which sets PYTHONPATH.
INCLUDED: t.List[t.Tuple[str, str, str]] = [
    ("/etc/profile.d/app.sh", "[ -r /opt/app/env ] && . /opt/app/env\n", "export PYTHONPATH=/x\n"),
    ("/etc/profile.d/app.sh", "set -a; . /opt/app/env; set +a\n", "PYTHONPATH=/x\n"),
    ("/etc/csh.login", "source /opt/app/env\n", "setenv PYTHONPATH /x\n"),
    (
        "/etc/environment",
        "BASH_ENV=/opt/app/env\n",
        "export PYTHONPATH=/x\nBASH_ENV=/opt/app/env\n. /opt/app/env\n",
    ),
    ("/etc/sudoers.d/app", "Defaults env_file=/opt/app/env\n", "PYTHONPATH=/x\n"),
    ("/run/systemd/system/service.d/a.conf", "[Service]\nEnvironmentFile=-/opt/app/env\n", "PYTHONPATH=/x\n"),
]

# Files that together set no such variable.
NOTHING: t.List[t.Dict[str, str]] = [
    {
        "/etc/profile": 'echo "PYTHONPATH is not set"\nexport PYTHONPATH=""\n# PYTHONPATH=/x\n'
        "PYTHONPATH=/x python3 /opt/y\nexport PYTHONPATH=$PYTHONPATH\ncat <<E\nexport PYTHONPATH=/x\nE\n"
    },
    {"/etc/profile": "PYTHONPATH=/x\n"},
    {"/etc/profile.d/a.sh": "export PYTHONPATH=/x\n", "/etc/profile.d/b.sh": "unset PYTHONPATH\n"},
    {"/etc/cron.d/app": "* * * * * root PYTHONPATH=/x /usr/bin/true\n"},
    {
        "/etc/systemd/system.conf": "[Manager]\n#DefaultEnvironment=PYTHONPATH=/x\n"
        "DefaultEnvironment=OTHERPYTHONPATH=/x MYPYTHONPATH=/x\nLogLevel=PYTHONPATH=/x\n"
    },
    {
        "/etc/systemd/system.conf.d/a.conf": "",
        "/usr/lib/systemd/system.conf.d/a.conf": "[Manager]\nDefaultEnvironment=PYTHONPATH=/x\n",
    },
    {
        "/etc/systemd/system.conf": "[Manager]\nDefaultEnvironment=PYTHONPATH=/x\n",
        "/etc/systemd/system.conf.d/z.conf": "[Manager]\nDefaultEnvironment=\n",
    },
    {"/usr/etc/environment": "PYTHONPATH=/x\n", "/etc/environment": "LANG=C\n"},
    {"/etc/environment": "PYTHONPATH=/x\nPYTHONPATH\n"},
]
