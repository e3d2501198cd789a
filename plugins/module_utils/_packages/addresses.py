# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""URLs of repositories: what may be one, what a mirror may name, and how they are joined and shown."""

import os
import posixpath
import re
import urllib.parse

from .._base.errors import RepositoryError
from .._base.text import printable

__all__ = ["is_mirror", "join_url", "parsed_url", "scheme_of", "shown_url"]

# Neither blanks nor what could end it where it stands in quotes, in the configuration of curl or in XML.
_PLAIN = re.compile(r"[!#-;=?-\[\]-~]{1,4096}\Z")
# A mirror is somebody else: it can name places in the network, and none on the disk of who asks.
_OF_MIRRORS = ("http", "https", "ftp")


def parsed_url(url: str) -> urllib.parse.SplitResult:
    """Return the parts of C(url). Raises RepositoryError for what cannot be one."""
    quoted = re.sub("[^\0-\x7f]+", lambda found: urllib.parse.quote(os.fsencode(found.group())), url)
    try:
        if _PLAIN.match(quoted):
            return urllib.parse.urlsplit(quoted)
    except ValueError:
        pass
    raise RepositoryError("{0} is no URL".format(printable(url[:200])))


def scheme_of(url: str) -> str:
    """Return the scheme of C(url), an empty text where it is no URL."""
    try:
        return parsed_url(url).scheme
    except RepositoryError:
        return ""


def is_mirror(url: str) -> bool:
    """Tell whether a list of mirrors, or metadata, may name C(url)."""
    return scheme_of(url) in _OF_MIRRORS and bool(parsed_url(url).netloc)


def join_url(base: str, location: str, own_base: str = "") -> str:
    """Return the URL of C(location) below C(base) (or below C(own_base), its xml:base).

    A query of the base (an access token) stays at the end, and dots in the location cannot lead out of the base.
    """
    parts = urllib.parse.urlsplit(own_base or base)
    inner = posixpath.normpath("/" + location.lstrip("/"))
    # The location is a path and no URL: what it holds of ? and # is part of a name.
    quoted = urllib.parse.quote(inner, safe="/%+~:@!$&'()*,;=")
    return parts._replace(path=parts.path.rstrip("/") + quoted, fragment="").geturl()


def shown_url(url: str) -> str:
    """Return C(url) for messages: without user, password, query and fragment, which may be secrets."""
    try:
        parts = parsed_url(url)
    except RepositoryError:
        return "text that is not a URL"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
