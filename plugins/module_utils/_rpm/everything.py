# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Verify all packages of a host within a budget of time: a few at once, so that what was reached is known.

What was not reached is told, and never called intact.
"""

import fnmatch
import time
import typing as t

from .database import Rpm
from .disk import Disk
from .packages import PackageId
from .verification import Clock, PackageInfo, VerifyInfo, VerifyRequest, verify_info

__all__ = ["verify_everything"]

# Packages of one process: what is known of their files is forgotten after that.
_AT_ONCE = 40


def verify_everything(
    rpm: Rpm, disk: Disk, request: VerifyRequest, excluded: t.Sequence[str] = (), clock: Clock = time.time
) -> VerifyInfo:
    """Verify every installed package within C(request.timeout); C(excluded) has patterns of names.

    Packages of the request that are not installed are told as by C(verify_info).
    """
    begin = clock()
    installed = rpm.installed()
    wanted = [one for one in installed if not _matches(one, excluded)]
    result = VerifyInfo(
        packages=[],
        files=[],
        not_installed=_absent(request, installed),
        unowned_files=[],
        partial=False,
        unverified_packages=[],
        excluded_packages=[one.nevra for one in installed if _matches(one, excluded)],
        intact=False,
        elapsed=0.0,
    )
    for first in range(0, len(wanted), _AT_ONCE):
        some = wanted[first : first + _AT_ONCE]
        left = request.timeout - (clock() - begin)
        if left > 0:
            few = request._replace(packages=[one.label for one in some], optional=(), timeout=left)
            _add(result, verify_info(rpm, disk, few, clock))
        else:
            _add_unreached(result, some)
    complete = not (result["partial"] or result["not_installed"])
    result["intact"] = complete and all(one["intact"] for one in result["packages"])
    result["elapsed"] = round(clock() - begin, 3)
    return result


def _matches(package: PackageId, patterns: t.Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(package.name, pattern) for pattern in patterns)


def _absent(request: VerifyRequest, installed: t.Sequence[PackageId]) -> t.List[str]:
    known = {form for one in installed for form in (one.name, one.nevra, one.label, one.nvra)}
    return [name for name in request.packages if name not in known]


def _add(result: VerifyInfo, found: VerifyInfo) -> None:
    result["packages"] += found["packages"]
    result["files"] += found["files"]
    result["not_installed"] += found["not_installed"]
    result["unverified_packages"] += found["unverified_packages"]
    result["partial"] = result["partial"] or found["partial"]


def _add_unreached(result: VerifyInfo, packages: t.Sequence[PackageId]) -> None:
    result["partial"] = True
    result["unverified_packages"] += [one.nevra for one in packages]
    result["packages"] += [
        PackageInfo(
            name=one.name,
            epoch=one.epoch,
            version=one.version,
            release=one.release,
            arch=one.arch,
            nevra=one.nevra,
            verified=False,
            intact=False,
            deviations=0,
        )
        for one in packages
    ]
