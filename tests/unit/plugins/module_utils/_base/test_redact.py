# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.redact import MARK, command_line, redact

# Put together here, so that no scanner takes this file for a leak.
AWS_ID = "AKIA" + "IOSFODNN7EXAMPLE"
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"
GITHUB = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
JWT = "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxIn0." + "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
HEX = "a8f5f167f44f4964" + "e6c998dee827110c"

FORMS = [
    ("curl https://user:hunter2@repo.example/python.tar.gz", "hunter2"),
    ("pip install -i https://user:p@ss/word@repo.example/simple x", "p@ss"),
    ("pip install git+https://hunter2@example.org/x.git", "hunter2"),
    ("pip install --password hunter2", "hunter2"),
    ("pip install --password=hunter2", "hunter2"),
    ("pip install --password 'hunter2 and more'", "more"),
    ('pip install --token "hunter2 and more"', "more"),
    ("python3 x.py --db-passwd hunter2", "hunter2"),
    ("python3 x.py --api-key=hunter2", "hunter2"),
    ("python3 x.py --client-secret hunter2", "hunter2"),
    ("DB_PASSWORD=hunter2 python3 manage.py migrate", "hunter2"),
    ("export API_TOKEN='hunter2 x'; make install", "hunter2"),
    ("export AWS_SECRET_ACCESS_KEY=" + AWS_SECRET + " && pip install boto3", "bPxRfiCYEXAMPLEKEY"),
    ("set MY_KEY = hunter2; make install", "hunter2"),
    ("PGPASSWORD=hunter2 psql; python3", "hunter2"),
    ("SECRET=$(cat hunter2) python3 x", "hunter2"),
    ("curl -H 'Authorization: Bearer hunter2.abc' https://x/python", "hunter2"),
    ("curl -H 'Authorization: Basic aHVudGVyMg==' https://x/python", "aHVudGVyMg"),
    ("curl -H 'X-Auth-Token: hunter2' https://x/python", "hunter2"),
    ("curl -H 'PRIVATE-TOKEN: hunter2' https://x/python", "hunter2"),
    ("curl -u admin:hunter2 https://x/python.tgz", "hunter2"),
    ("curl --user admin:hunter2 https://x/python.tgz", "hunter2"),
    ("curl -uadmin:hunter2 https://x/python.tgz", "hunter2"),
    ("DSN=x;UID=sa;PWD=/hunter2;python3", "hunter2"),
    ("wget 'https://x/python.tgz?token=hunter2&a=b'", "hunter2"),
    ("mysql -u root -phunter2 python", "hunter2"),
    ("sshpass -p hunter2 ssh host python3", "hunter2"),
    ("docker login -u me -p hunter2 && docker run python", "hunter2"),
    ("echo hunter2 | sudo -S make install", "hunter2"),
    ("echo hunter2 | sudo -S python3 -m pip install x", "hunter2"),
    ("printf 'hunter2' | docker login --password-stdin; python3", "hunter2"),
    ("echo python:hunter2 | chpasswd", "hunter2"),
    ("python3 -c 'import x; x.login(\"hunter2\")'", "hunter2"),
    ("python3 -c \"password = 'hunter2'\"", "hunter2"),
    ("python3 deploy.py hunter2", "hunter2"),
    ("python3 deploy.py --to prod hunter2", "hunter2"),
    ("hunter2 && make install", "hunter2"),
    ("make install; hunter2", "hunter2"),
    ("aws configure set aws_access_key_id " + AWS_ID + "; pip install awscli", AWS_ID),
    ("pip config set x " + AWS_ID, AWS_ID),
    ("pip install x # " + GITHUB, GITHUB),
    ("pip install x --extra " + JWT, JWT[:20]),
    ("pip install x " + HEX, HEX),
    ("pip install x k3j4h5l2k3j4h5l2p9o8", "k3j4h5l2k3j4h5l2p9o8"),
    ("pip install x xoxb-" + "123456789012-abcdefGHIJ", "abcdefGHIJ"),
    ("ansible-vault encrypt_string hunter2 python", "hunter2"),
    ("openssl passwd hunter2 python", "hunter2"),
    ("subscription-manager register --org o --activationkey hunter2; dnf install python3.12", "hunter2"),
    ("SUSEConnect -r hunter2; zypper in python311", "hunter2"),
    ("pip install x password: hunter2", "hunter2"),
    ("the password is hunter2 for python", "hunter2"),
    ('{"password": "hunter2", "python": 1}', "hunter2"),
    ("python3 x.py passphrase=hunter2", "hunter2"),
    ("mycompany hunter2 python3", "hunter2"),
    ("FOO=hunter2 python3 x.py", "hunter2"),
    ("useradd -p '$6$abc$defhunter2' python", "hunter2"),
]


@pytest.mark.parametrize(("line", "secret"), FORMS)
def test_no_secret_of_a_shell_line_is_left(line: str, secret: str) -> None:
    shown = command_line(line)
    assert shown is not None
    assert secret not in shown[0]
    assert shown[1] >= 1


# Those that a log may hold as well, where nothing is known of the line's form.
LOGGED = [
    form
    for form in FORMS
    if not form[0].startswith(("python3 deploy", "hunter2", "make", "mycompany", "FOO", "python3 -c 'imp"))
]


@pytest.mark.parametrize(("line", "secret"), LOGGED)
def test_no_known_form_is_left_in_any_text(line: str, secret: str) -> None:
    shown, count = redact("sudo: root : COMMAND=/bin/sh -c " + line)
    assert secret not in shown
    assert count >= 1


@pytest.mark.parametrize(
    "line",
    [
        "cp -f /usr/bin/python3.15 /usr/bin/python3.9",
        "alternatives --install /usr/bin/python3 python3 /usr/bin/python3.12 20",
        "alternatives --auto python3",
        "make install",
        "sudo make altinstall",
        "./configure --prefix=/usr --disable-test-modules && make -j8 && make install",
        "pip3 install --upgrade requests",
        "sudo python3 -m pip install --break-system-packages ansible",
        "dnf -y install python3.12 gcc",
        "ln -sf /usr/bin/python3.11 /usr/bin/python3",
        "rpm -V python3",
        "python3 --version",
    ],
)
def test_what_the_report_is_about_stays(line: str) -> None:
    shown = command_line(line)
    assert shown is not None
    assert "python" not in line or "python" in shown[0]
    assert [
        word for word in ("install", "alternatives", "/usr/bin", "cp") if word in line and word not in shown[0]
    ] == []
    assert MARK not in shown[0]


def test_lines_about_something_else_are_not_shown_at_all() -> None:
    assert command_line("mysql -phunter2") is None
    assert command_line("") is None


def test_checksums_stay_where_looks_do_not_count() -> None:
    text = "expected " + HEX + HEX
    assert redact(text, looks=False) == (text, 0)
    assert redact(text)[1] == 1


@pytest.mark.parametrize(
    "text",
    [
        "rpm -V reports /usr/bin/python3.9 (size, digest)",
        "Modules run under /usr/bin/python3.11 (Python 3.11.2), which rpm vouches for: python3.11-3.11.2-1.el9.x86_64.",
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
        "no enabled repository has python3-libs-3.9.2-1.el9.x86_64",
        "kept: /var/lib/fleet.system_python/quarantine/20260131T120000Z-aid-1f2e3d",
        "SELinux is configured as permissive; the vendor ships enforcing",
        "joe : TTY=pts/0 ; PWD=/home/joe ; USER=root ; COMMAND=/usr/bin/cp -f x /usr/bin/python3.9",
    ],
)
def test_plain_sentences_stay(text: str) -> None:
    assert redact(text) == (text, 0)


def test_what_was_redacted_is_not_redacted_again() -> None:
    for line, _secret in FORMS:
        once = redact(line)[0]
        assert redact(once)[0].count(MARK) == once.count(MARK)
