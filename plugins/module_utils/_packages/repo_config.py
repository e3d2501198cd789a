# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Which repositories a host has, read from the configuration of dnf, yum and zypper without running any of them.

The forms are those of dnf.conf(5), of libdnf's substitutions and of libzypp's repository files and URL options.
"""

import configparser
import os
import re
import typing as t
import urllib.parse

from .._base.command import CommandRunner, run_command
from .._base.errors import RepositoryError
from .._disk.files import read_bytes
from .._disk.os_release import parse_os_release
from .._rpm.asking import ENVIRONMENT, host_command
from .addresses import parsed_url

__all__ = [
    "CONFIGURATION_FOLDERS",
    "CONFIGURATION_NAMES",
    "RELEASE_PROVIDERS",
    "Configuration",
    "Connection",
    "Files",
    "Repository",
    "parse_repositories",
    "read_configuration",
    "split_zypp_url",
    "substitute",
]

_YUM_FOLDERS = ("/etc/yum.repos.d", "/etc/yum/repos.d", "/etc/distro.repos.d")
_YUM_MAIN = "/etc/dnf/dnf.conf"
_YUM_VARIABLES = ("/etc/yum/vars", "/etc/dnf/vars")
_ZYPP_FOLDERS = ("/etc/zypp/repos.d",)
_ZYPP_VARIABLES = ("/etc/zypp/vars.d",)
_ZYPP_CREDENTIALS = "/etc/zypp/credentials.d"
_SYSCONFIG_PROXY = "/etc/sysconfig/proxy"
_OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")

# All that is read where nothing else is configured: single files, and those directly in folders.
CONFIGURATION_NAMES = (_YUM_MAIN, _SYSCONFIG_PROXY, *_OS_RELEASE)
CONFIGURATION_FOLDERS = (
    *_YUM_FOLDERS,
    *_YUM_VARIABLES,
    "/usr/share/dnf5/vars.d",
    "/etc/dnf/vars.d",
    *_ZYPP_FOLDERS,
    *_ZYPP_VARIABLES,
    _ZYPP_CREDENTIALS,
)

_SCHEMES = ("http", "https", "ftp")
_TRUTHS = dict(configparser.RawConfigParser.BOOLEAN_STATES, enabled=True, disabled=False)
_VARIABLE = re.compile(
    r"\$(?:(?P<plain>[A-Za-z0-9_]+)|\{(?P<braced>[A-Za-z0-9_]+)(?::(?P<operator>[-+])(?P<word>[^{}]*))?\})"
)
_SEPARATORS = re.compile(r"[\s,]+")
_BASEARCH = {"i486": "i386", "i586": "i386", "i686": "i386", "armv7l": "armhfp", "armv6l": "armhfp"}

# libzypp keeps its own options in the query of a URL; what is left of the query belongs to the server.
_ZYPP_URL_OPTIONS = frozenset(
    "auth cookies credentials head_requests mediahandler password proxy proxypass proxyport proxyuser ssl_capath "
    "ssl_clientcert ssl_clientkey ssl_verify timeout username".split()
)

# What dnf takes as the version of the release: the first of these that a package provides (dnf.const.DISTROVERPKG).
RELEASE_PROVIDERS = (
    "system-release(releasever)",
    "system-release",
    "distribution-release(releasever)",
    "distribution-release",
    "redhat-release",
    "suse-release",
)
_PROVIDED = "%{VERSION}\\n[%{PROVIDENAME} %{PROVIDEVERSION}\\n]"


class Connection(t.NamedTuple):
    """How a repository is reached. C(proxies) None: as the environment says; empty: none; else scheme to URL."""

    verify: bool = True
    ca: str = ""
    certificate: str = ""
    key: str = ""
    username: str = ""
    password: str = ""
    proxies: t.Optional[t.Tuple[t.Tuple[str, str], ...]] = None
    no_proxy: str = ""


class Repository(t.NamedTuple):
    """One enabled repository; the URLs have their variables replaced."""

    id: str
    baseurls: t.Tuple[str, ...]
    mirrorlist: str
    metalink: str
    priority: int
    cost: int
    connection: Connection
    origin: str


class Configuration(t.NamedTuple):
    """The enabled repositories, best first, and what could not be read (sentences)."""

    repositories: t.List[Repository]
    problems: t.List[str]


def substitute(text: str, variables: t.Mapping[str, str]) -> str:
    """Return C(text) with C($name), C(${name}), C(${name:-word}) and C(${name:+word}) replaced; unknown ones stay."""

    def value(match: "t.Match[str]") -> str:
        known = variables.get(match.group("plain") or match.group("braced"))
        operator = match.group("operator")
        if operator == "-":
            return known or substitute(match.group("word"), variables)
        if operator == "+":
            return substitute(match.group("word"), variables) if known else ""
        return match.group(0) if known is None else known

    return _VARIABLE.sub(value, text)


class Files:
    """The files of the host that this runs on, or those below C(root). All three raise OSError."""

    def __init__(self, root: str = "/") -> None:
        self._root = root

    def _path(self, path: str) -> str:
        return os.path.join(self._root, path.lstrip("/"))

    def content(self, path: str) -> bytes:
        """Return what is in a file."""
        return read_bytes(self._path(path), follow=True)

    def names(self, folder: str) -> t.List[str]:
        """Return the names in a folder."""
        return os.listdir(self._path(folder))

    def exists(self, path: str) -> bool:
        """Tell whether there is something of that name."""
        return os.path.exists(self._path(path))


def read_configuration(architecture: str, files: Files, runner: CommandRunner = run_command) -> Configuration:
    """Return the enabled repositories of the host that has C(files).

    C(architecture) is that of the host's packages. Raises nothing for files that cannot be read: what is wrong with
    them is in C(problems).
    """
    return _ConfigurationReader(files, runner, architecture).read()


class _ConfigurationReader:
    def __init__(self, files: Files, runner: CommandRunner, architecture: str) -> None:
        self.files = files
        self.runner = runner
        self.architecture = architecture
        self.problems: t.List[str] = []

    def read(self) -> Configuration:
        repositories = self._dnf_repositories() + self._zypp_repositories()
        repositories.sort(key=lambda repository: (repository.priority, repository.cost))
        return Configuration(repositories, self.problems)

    def _content_of(self, path: str) -> str:
        try:
            return self.files.content(path).decode("utf-8", "surrogateescape")
        except OSError as error:
            self.problems.append(f"{path} cannot be read: {error.strerror}")
            return ""

    def _files_in(self, folder: str, ending: str = "") -> t.List[str]:
        try:
            names = sorted(self.files.names(folder))
        except FileNotFoundError:
            return []
        except OSError as error:
            self.problems.append(f"{folder} cannot be read: {error.strerror}")
            return []
        return [os.path.join(folder, name) for name in names if name.endswith(ending) and not name.startswith(".")]

    def _variables(self, folders: t.Sequence[str]) -> t.Dict[str, str]:
        found = {"arch": self.architecture, "basearch": _BASEARCH.get(self.architecture, self.architecture)}
        for folder in folders:
            for path in self._files_in(folder):
                found[os.path.basename(path)] = (self._content_of(path).splitlines() or [""])[0].strip()
        return found

    def _with_release(
        self, variables: t.Dict[str, str], texts: t.Iterable[str], detect: t.Callable[[], str]
    ) -> t.Dict[str, str]:
        if "releasever" not in variables and any("releasever" in text for text in texts):
            release = detect()
            if release:
                variables["releasever"] = release
        if "releasever" in variables:
            major, _dot, minor = variables["releasever"].partition(".")
            variables.setdefault("releasever_major", major)
            variables.setdefault("releasever_minor", minor)
        return variables

    def _os_version(self) -> str:
        for path in _OS_RELEASE:
            if self.files.exists(path):
                return parse_os_release(self._content_of(path)).get("VERSION_ID", "")
        return ""

    def _dnf_repositories(self) -> t.List[Repository]:
        main = self._content_of(_YUM_MAIN) if self.files.exists(_YUM_MAIN) else ""
        settings = _sections(main, _YUM_MAIN, self.problems)
        defaults = settings.get("main", {})
        folders = _split(defaults.get("reposdir", "")) or list(_YUM_FOLDERS)
        texts = {path: self._content_of(path) for folder in folders for path in self._files_in(folder, ".repo")}
        texts[_YUM_MAIN] = main
        variables = self._variables(_split(defaults.get("varsdir", "")) or _YUM_VARIABLES)
        variables = self._with_release(variables, texts.values(), self._yum_release)
        found: t.List[Repository] = []
        for path, text in texts.items():
            found.extend(parse_repositories(text, variables, defaults, path, self.problems))
        return found

    def _yum_release(self) -> str:
        for provider in RELEASE_PROVIDERS:
            argv = [*host_command(), "-q", "--whatprovides", "--qf", _PROVIDED, "--", provider]
            asked = self.runner(argv, timeout=60, env=ENVIRONMENT)
            if asked.rc == 0 and asked.out.strip():
                return _provided_version(asked.out, provider)
        return self._os_version()

    def _zypp_repositories(self) -> t.List[Repository]:
        texts = {path: self._content_of(path) for folder in _ZYPP_FOLDERS for path in self._files_in(folder, ".repo")}
        if not texts:
            return []
        variables = self._with_release(self._variables(_ZYPP_VARIABLES), texts.values(), self._os_version)
        defaults = self._sysconfig_proxy()
        found: t.List[Repository] = []
        for path, text in texts.items():
            for repository in parse_repositories(text, variables, {}, path, self.problems, zypp=True):
                try:
                    found.append(self._with_zypp_options(repository, defaults))
                except ValueError:
                    self.problems.append(f"{path}: the repository {repository.id} has a proxy that cannot be used")
        return found

    def _sysconfig_proxy(self) -> Connection:
        if not self.files.exists(_SYSCONFIG_PROXY):
            return Connection()
        values = parse_os_release(self._content_of(_SYSCONFIG_PROXY))
        if values.get("PROXY_ENABLED", "").lower() != "yes":
            return Connection()
        proxies = [(scheme, values.get(scheme.upper() + "_PROXY", "")) for scheme in _SCHEMES]
        return Connection(
            proxies=tuple((scheme, url) for scheme, url in proxies if url), no_proxy=values.get("NO_PROXY", "")
        )

    def _with_zypp_options(self, repository: Repository, defaults: Connection) -> Repository:
        connection = defaults
        urls = []
        for url in repository.baseurls:
            clean, options = split_zypp_url(url)
            urls.append(clean)
            connection = _zypp_connection(connection, options)
            if options.get("credentials"):
                connection = self._with_credentials(connection, options["credentials"])
        return repository._replace(baseurls=tuple(urls), connection=connection)

    def _with_credentials(self, connection: Connection, name: str) -> Connection:
        values = {}
        for line in self._content_of(os.path.join(_ZYPP_CREDENTIALS, name)).splitlines():
            key, separator, value = line.partition("=")
            if separator and not line.lstrip().startswith("#"):
                values[key.strip()] = value.strip()
        return connection._replace(
            username=values.get("username", connection.username), password=values.get("password", connection.password)
        )


def parse_repositories(
    text: str,
    variables: t.Mapping[str, str],
    defaults: t.Mapping[str, str],
    origin: str,
    problems: t.List[str],
    zypp: bool = False,
) -> t.List[Repository]:
    """Return the enabled repositories of one repository file.

    C(defaults) are the options of C([main]), C(origin) is the file's name for messages; sentences on what is wrong are
    appended to C(problems). With C(zypp) the option C(path) counts and nothing is inherited.
    """
    found: t.List[Repository] = []
    for section, options in _sections(text, origin, problems).items():
        if section == "main":
            continue
        values = {name: substitute(value, variables) for name, value in options.items()}
        if not _bool_of(values.get("enabled", ""), True):
            continue
        try:
            repository = _repository(section, values, {} if zypp else defaults, origin)
            if zypp:
                urls = tuple(_url_below(url, values.get("path", "")) for url in repository.baseurls)
                repository = repository._replace(baseurls=urls)
        except (RepositoryError, ValueError) as error:
            problems.append(f"{origin}: the repository {section} has an address that cannot be used: {error}")
            continue
        if repository.baseurls or repository.mirrorlist or repository.metalink:
            found.append(repository)
        else:
            problems.append(f"{origin}: the repository {section} has no baseurl, mirrorlist or metalink")
    return found


def _repository(section: str, values: t.Mapping[str, str], defaults: t.Mapping[str, str], origin: str) -> Repository:
    return Repository(
        id=section,
        baseurls=tuple(parsed_url(url).geturl() for url in _split(values.get("baseurl", ""))),
        mirrorlist=_url_of(values.get("mirrorlist", "")),
        metalink=_url_of(values.get("metalink", "")),
        priority=_int_of(values.get("priority", ""), 99),
        cost=_int_of(values.get("cost", ""), 1000),
        connection=_connection(dict(defaults, **values)),
        origin=origin,
    )


def _url_of(text: str) -> str:
    return parsed_url(text.strip()).geturl() if text.strip() else ""


def _connection(options: t.Mapping[str, str]) -> Connection:
    return Connection(
        verify=_bool_of(options.get("sslverify", ""), True),
        ca=options.get("sslcacert", ""),
        certificate=options.get("sslclientcert", ""),
        key=options.get("sslclientkey", ""),
        username=options.get("username", ""),
        password=options.get("password", ""),
        proxies=_proxies(options),
    )


def _proxies(options: t.Mapping[str, str]) -> t.Optional[t.Tuple[t.Tuple[str, str], ...]]:
    if "proxy" not in options:
        return None
    proxy = options["proxy"].strip()
    if proxy in ("", "_none_"):
        return ()
    url = _with_user(proxy, options.get("proxy_username", ""), options.get("proxy_password", ""))
    return _for_all_schemes(url)


def _for_all_schemes(proxy: str) -> t.Tuple[t.Tuple[str, str], ...]:
    return tuple((scheme, proxy) for scheme in _SCHEMES)


def _with_user(url: str, user: str, password: str) -> str:
    if not user:
        return url
    parts = urllib.parse.urlsplit(url if "://" in url else "http://" + url)
    account = f"{urllib.parse.quote(user, safe='')}:{urllib.parse.quote(password, safe='')}"
    return parts._replace(netloc=f"{account}@{parts.netloc.rpartition('@')[2]}").geturl()


def split_zypp_url(url: str) -> t.Tuple[str, t.Dict[str, str]]:
    """Return C(url) without libzypp's own options, and those options; C(dir:) becomes C(file:)."""
    parts = urllib.parse.urlsplit(url)
    options: t.Dict[str, str] = {}
    kept: t.List[str] = []
    for item in parts.query.split("&"):
        name, _equals, value = item.partition("=")
        if name in _ZYPP_URL_OPTIONS:
            options[name] = urllib.parse.unquote(value)
        elif item:
            kept.append(item)
    parts = parts._replace(query="&".join(kept))
    if parts.scheme == "dir":
        parts = parts._replace(scheme="file")
    return parts.geturl(), options


def _zypp_connection(connection: Connection, options: t.Mapping[str, str]) -> Connection:
    changed = connection._replace(
        verify=connection.verify and options.get("ssl_verify", "yes") != "no",
        ca=options.get("ssl_capath", connection.ca),
        certificate=options.get("ssl_clientcert", connection.certificate),
        key=options.get("ssl_clientkey", connection.key),
        username=options.get("username", connection.username),
        password=options.get("password", connection.password),
    )
    if not options.get("proxy"):
        return changed
    host = options["proxy"] + (":" + options["proxyport"] if options.get("proxyport") else "")
    proxy = _with_user(
        host if "://" in host else "http://" + host, options.get("proxyuser", ""), options.get("proxypass", "")
    )
    return changed._replace(proxies=_for_all_schemes(proxy))


def _url_below(url: str, path: str) -> str:
    inner = path.strip("/")
    if not inner:
        return url
    parts = urllib.parse.urlsplit(url)
    return parts._replace(path=parts.path.rstrip("/") + "/" + inner).geturl()


def _sections(text: str, origin: str, problems: t.List[str]) -> t.Dict[str, t.Dict[str, str]]:
    # Neither dnf nor zypper knows a section whose options every other one inherits; no repository has this name.
    parser = configparser.RawConfigParser(
        delimiters=("=",),
        comment_prefixes=("#", ";"),
        strict=False,
        default_section="\0",
        empty_lines_in_values=False,
    )
    try:
        parser.read_string(text, origin)
    except configparser.Error as error:
        problems.append(f"{origin} is not a valid repository file: {' '.join(str(error).split())}")
    return {name: dict(parser.items(name)) for name in parser.sections()}


def _provided_version(output: str, provider: str) -> str:
    lines = output.splitlines()
    for line in lines[1:]:
        name, _blank, version = line.partition(" ")
        if name == provider and version:
            return version.partition("-")[0]
    return lines[0]


def _split(text: str) -> t.List[str]:
    return [word for word in _SEPARATORS.split(text.strip()) if word]


def _bool_of(text: str, default: bool) -> bool:
    return _TRUTHS.get(text.strip().lower(), default)


def _int_of(text: str, default: int) -> int:
    return int(text) if re.match(r"\s*-?[0-9]{1,9}\s*\Z", text) else default
