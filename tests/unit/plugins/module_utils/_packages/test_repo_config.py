# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import os
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.command import Completed
from ansible_collections.fleet.system_python.plugins.module_utils._packages.repo_config import (
    Configuration,
    Connection,
    Files,
    read_configuration,
    split_zypp_url,
    substitute,
)

Folder = t.Any
PROVIDERS = {
    "system-release(releasever)": "9.7\nredhat-release 9.7-1.el9\nsystem-release 9.7-1.el9\n"
    "system-release(releasever) 9\n"
}


class FakeRpm:
    """Answers whatprovides from a table."""

    def __init__(self, providers: t.Optional[t.Dict[str, str]] = None) -> None:
        self.providers = PROVIDERS if providers is None else providers
        self.calls: t.List[t.Sequence[str]] = []

    def __call__(self, argv: t.Sequence[str], **_options: t.Any) -> Completed:
        self.calls.append(argv)
        provider = argv[-1]
        out = self.providers.get(provider, "")
        return Completed(tuple(argv), 0 if out else 1, out or "no package provides {0}\n".format(provider), "", False)


def read(
    folder: Folder, files: t.Mapping[str, str], runner: t.Optional[FakeRpm] = None, architecture: str = "x86_64"
) -> Configuration:
    for path, text in files.items():
        target = os.path.join(str(folder), path.lstrip("/"))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as stream:
            stream.write(text.encode("utf-8", "surrogateescape"))
    return read_configuration(architecture, Files(str(folder)), runner or FakeRpm())


@pytest.mark.parametrize(
    ("architecture", "basearch"),
    [("x86_64_v2", "x86_64_v2"), ("aarch64", "aarch64"), ("s390x", "s390x"), ("ppc64le", "ppc64le"), ("i686", "i386")],
)
def test_addresses_are_those_of_the_packages_architecture(tmp_path: Folder, architecture: str, basearch: str) -> None:
    text = "[a]\nname=a\nbaseurl=http://h/$basearch/$arch/\n"
    (found,) = read(tmp_path, {"/etc/yum.repos.d/a.repo": text}, architecture=architecture).repositories
    assert found.baseurls == ("http://h/{0}/{1}/".format(basearch, architecture),)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("http://h/$releasever/$basearch/", "http://h/9/x86_64/"),
        ("http://h/${releasever}os", "http://h/9os"),
        ("$unknown/${unknown}", "$unknown/${unknown}"),
        ("${unknown:-$basearch}", "x86_64"),
        ("${releasever:-8}", "9"),
        ("a${releasever:+/el$releasever}b${unknown:+x}", "a/el9b"),
        ("100$", "100$"),
    ],
)
def test_substitute(text: str, result: str) -> None:
    assert substitute(text, {"releasever": "9", "basearch": "x86_64"}) == result


class TestYum:
    def test_the_whole_thing(self, tmp_path: Folder) -> None:
        found = read(
            tmp_path,
            {
                "/etc/dnf/dnf.conf": "[main]\nproxy=http://proxy:3128\nproxy_username=me\nproxy_password=p w\n",
                "/etc/dnf/vars/stream": "9-stream\n",
                "/etc/yum/vars/stream": "overridden\n",
                "/etc/yum.repos.d/redhat.repo": """# comment
[baseos]
name = Red Hat $releasever
baseurl = https://cdn/$releasever/$basearch/os
          https://cdn2/$stream/,https://cdn3/
enabled = 1
sslverify = 1
sslcacert = /etc/rhsm/ca/redhat-uep.pem
sslclientkey = /etc/pki/entitlement/1-key.pem
sslclientcert = /etc/pki/entitlement/1.pem
proxy = _none_
priority = 10

[debug]
baseurl=https://cdn/debug
enabled=0

[mirrors]
mirrorlist=https://mirrors/?release=$releasever&arch=$arch
username=u
password=p%40ss
cost=5
[meta]
metalink=https://mirrors/metalink?repo=x
sslverify=no
""",
            },
        )
        assert found.problems == []
        assert [one.id for one in found.repositories] == ["baseos", "mirrors", "meta"]
        baseos, mirrors, meta = found.repositories
        assert baseos.baseurls == ("https://cdn/9/x86_64/os", "https://cdn2/9-stream/", "https://cdn3/")
        assert baseos.connection == Connection(
            ca="/etc/rhsm/ca/redhat-uep.pem",
            certificate="/etc/pki/entitlement/1.pem",
            key="/etc/pki/entitlement/1-key.pem",
            proxies=(),
        )
        assert mirrors.mirrorlist == "https://mirrors/?release=9&arch=x86_64"
        assert (mirrors.connection.username, mirrors.connection.password) == ("u", "p%40ss")
        assert dict(mirrors.connection.proxies or ())["https"] == "http://me:p%20w@proxy:3128"
        assert (meta.metalink, meta.connection.verify) == ("https://mirrors/metalink?repo=x", False)

    def test_release_from_variables_wins(self, tmp_path: Folder) -> None:
        rpm = FakeRpm()
        files = {"/etc/dnf/vars/releasever": "9.4\n", "/etc/yum.repos.d/a.repo": "[a]\nbaseurl=http://h/$releasever\n"}
        assert read(tmp_path, files, rpm).repositories[0].baseurls == ("http://h/9.4",)
        assert rpm.calls == []

    def test_release_is_asked_only_when_it_is_used(self, tmp_path: Folder) -> None:
        rpm = FakeRpm()
        read(tmp_path, {"/etc/yum.repos.d/a.repo": "[a]\nbaseurl=http://h/\n"}, rpm)
        assert rpm.calls == []

    def test_release_of_a_provider_without_version(self, tmp_path: Folder) -> None:
        rpm = FakeRpm({"redhat-release": "9.7\nredhat-release 9.7-1\nother \n"})
        files = {"/etc/yum.repos.d/a.repo": "[a]\nbaseurl=http://h/$releasever/${releasever_major}\n"}
        assert read(tmp_path, files, rpm).repositories[0].baseurls == ("http://h/9.7/9",)

    def test_release_from_os_release(self, tmp_path: Folder) -> None:
        files = {
            "/usr/lib/os-release": 'ID="rhel"\nVERSION_ID="9.6"\n',
            "/etc/yum.repos.d/a.repo": "[a]\nbaseurl=http://h/$releasever\n",
        }
        assert read(tmp_path, files, FakeRpm({})).repositories[0].baseurls == ("http://h/9.6",)

    def test_other_folders(self, tmp_path: Folder) -> None:
        files = {
            "/etc/dnf/dnf.conf": "[main]\nreposdir=/srv/one, /srv/two\nvarsdir=/srv/vars\n[inside]\nbaseurl=http://i/\n",
            "/srv/two/a.repo": "[a]\nbaseurl=http://h/$colour\n",
            "/srv/vars/colour": "blue",
            "/etc/yum.repos.d/not.repo": "[not]\nbaseurl=http://no/\n",
            "/srv/two/a.repo.rpmsave": "[old]\nbaseurl=http://old/\n",
        }
        found = read(tmp_path, files)
        assert sorted(one.baseurls[0] for one in found.repositories) == ["http://h/blue", "http://i/"]

    def test_priority_then_cost(self, tmp_path: Folder) -> None:
        text = "".join(
            "[{0}]\nbaseurl=http://h/\npriority={1}\ncost={2}\n".format(*one)
            for one in (("c", "", 2000), ("a", 1, 1000), ("b", "x", ""))
        )
        assert [one.id for one in read(tmp_path, {"/etc/yum.repos.d/a.repo": text}).repositories] == ["a", "b", "c"]

    def test_files_that_are_wrong(self, tmp_path: Folder) -> None:
        found = read(
            tmp_path,
            {
                "/etc/yum.repos.d/1.repo": "no section\n",
                "/etc/yum.repos.d/2.repo": "[nothing]\nname=x\n",
                "/etc/yum.repos.d/3.repo": "[good]\nbaseurl=http://h/\nname=caf\udce9 %(x)s ;\n[good2]\nbaseurl=http://g/\n",
                "/etc/yum.repos.d/4.repo": "[DEFAULT]\nbaseurl=http://d/\n[DEFAULT]\nenabled=1\n",
            },
        )
        assert [one.id for one in found.repositories] == ["good", "good2", "DEFAULT"]
        assert len(found.problems) == 2
        assert "1.repo" in found.problems[0]
        assert "nothing has no baseurl" in found.problems[1]

    def test_nothing_at_all(self, tmp_path: Folder) -> None:
        assert read(tmp_path, {}) == Configuration([], [])


class TestZypp:
    def test_the_whole_thing(self, tmp_path: Folder) -> None:
        found = read(
            tmp_path,
            {
                "/etc/os-release": 'ID="sles"\nVERSION_ID="15.7"\n',
                "/etc/zypp/vars.d/site": "mirror.example\n",
                "/etc/zypp/credentials.d/SCCcredentials": "# comment\nusername = SCC_1\npassword=a=b\n",
                "/etc/sysconfig/proxy": 'PROXY_ENABLED="yes"\nHTTPS_PROXY="http://proxy:3128"\nHTTP_PROXY=""\n'
                'NO_PROXY="localhost, .inside"\n',
                "/etc/zypp/repos.d/pool.repo": """[Pool]
enabled=1
autorefresh=0
type=rpm-md
path=/product/
baseurl=https://$site/SUSE/$releasever/$basearch?credentials=SCCcredentials&TOKEN
 dir:///srv/local?ssl_verify=no
keeppackages=0
[Off]
enabled=0
baseurl=http://h/
""",
            },
        )
        assert found.problems == []
        pool = found.repositories[0]
        assert pool.baseurls == ("https://mirror.example/SUSE/15.7/x86_64/product?TOKEN", "file:///srv/local/product")
        assert (pool.connection.username, pool.connection.password) == ("SCC_1", "a=b")
        assert pool.connection._replace(username="", password="") == Connection(
            verify=False,
            proxies=(("https", "http://proxy:3128"),),
            no_proxy="localhost, .inside",
        )

    def test_lost_credentials_are_a_problem(self, tmp_path: Folder) -> None:
        found = read(tmp_path, {"/etc/zypp/repos.d/a.repo": "[a]\nbaseurl=https://h/?credentials=lost\n"})
        assert found.repositories[0].baseurls == ("https://h/",)
        assert "credentials.d/lost cannot be read" in found.problems[0]

    def test_disabled_proxy(self, tmp_path: Folder) -> None:
        files = {
            "/etc/sysconfig/proxy": 'PROXY_ENABLED="no"\nHTTP_PROXY="http://proxy:3128"\n',
            "/etc/zypp/repos.d/a.repo": "[a]\nbaseurl=https://h/\n",
        }
        assert read(tmp_path, files).repositories[0].connection.proxies is None

    @pytest.mark.parametrize(
        ("url", "clean", "options"),
        [
            (
                "https://h/a?ssl_clientcert=%2Fc.pem&x=1&ssl_clientkey=/k&y",
                "https://h/a?x=1&y",
                {"ssl_clientcert": "/c.pem", "ssl_clientkey": "/k"},
            ),
            ("plugin:/susecloud?credentials=S&path=/x", "plugin:/susecloud?path=/x", {"credentials": "S"}),
            ("http://h/a", "http://h/a", {}),
        ],
    )
    def test_url_options(self, url: str, clean: str, options: t.Dict[str, str]) -> None:
        assert split_zypp_url(url) == (clean, options)

    def test_connection_options(self, tmp_path: Folder) -> None:
        url = (
            "https://h/?ssl_capath=/etc/ca&ssl_clientcert=/c.pem&ssl_clientkey=/k.pem"
            "&proxy=squid&proxyport=3128&proxyuser=u&proxypass=p"
        )
        found = read(tmp_path, {"/etc/zypp/repos.d/a.repo": "[a]\nbaseurl={0}\n".format(url)})
        connection = found.repositories[0].connection
        assert (connection.ca, connection.certificate, connection.key) == ("/etc/ca", "/c.pem", "/k.pem")
        assert dict(connection.proxies or ())["https"] == "http://u:p@squid:3128"
