# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Work that is done while something else goes on."""

import threading
import typing as t

__all__ = ["Aside"]

_Result = t.TypeVar("_Result")


class Aside(t.Generic[_Result]):
    """Begins C(work) in a thread. (concurrent.futures would do, but its import costs as much as an rpm process.)"""

    def __init__(self, work: t.Callable[[], _Result]) -> None:
        self._work = work
        self._results: t.List[_Result] = []
        self._errors: t.List[Exception] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._results.append(self._work())
        except Exception as error:  # noqa: BLE001  # raised by result()
            self._errors.append(error)

    def result(self) -> _Result:
        """Wait for the end, and return what C(work) returned, or raise what it raised."""
        self._thread.join()
        if self._errors:
            raise self._errors[0]
        return self._results[0]
