# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The program that each interpreter is measured with: its text is put on the host and run, by CPython 3.6 to 3.14.

It is run as C(PYTHON -I -S -B FILE COMMAND ...):

- C(describe) prints what the interpreter is, and what it computes for small sizes.
- C(run WORKLOAD SIZE [fsync]) does the work once and prints how many seconds it took.
- C(pyperf --quiet WHAT) lets pyperf time a workload or a command (WHAT, JSON) once.
"""

import json
import os
import sys
import time
import typing as t

__all__ = ["WORKLOADS", "main"]


def nbody(size: int, _fsync: bool = False) -> str:
    """Move a sun and two planets by C(size) steps of time; return the energy that the system has then."""
    pi = 3.141592653589793
    days = 365.24
    sun = 4 * pi * pi
    bodies = [
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, sun],
        [4.84143144, -1.16032004, -0.10362204, 0.00166007 * days, 0.00769901 * days, -0.00006904 * days, sun / 1047.35],
        [8.34336671, 4.12479856, -0.40352341, -0.00276742 * days, 0.00499852 * days, 0.00002304 * days, sun / 3497.9],
    ]
    pairs = [(bodies[0], bodies[1]), (bodies[0], bodies[2]), (bodies[1], bodies[2])]
    step = 0.01
    for _turn in range(size):
        for one, other in pairs:
            x = one[0] - other[0]
            y = one[1] - other[1]
            z = one[2] - other[2]
            pull = step * (x * x + y * y + z * z) ** -1.5
            weight = other[6] * pull
            one[3] -= x * weight
            one[4] -= y * weight
            one[5] -= z * weight
            weight = one[6] * pull
            other[3] += x * weight
            other[4] += y * weight
            other[5] += z * weight
        for body in bodies:
            body[0] += step * body[3]
            body[1] += step * body[4]
            body[2] += step * body[5]
    energy = 0.0
    for body in bodies:
        energy += 0.5 * body[6] * (body[3] ** 2 + body[4] ** 2 + body[5] ** 2)
    for one, other in pairs:
        distance = sum((one[axis] - other[axis]) ** 2 for axis in range(3)) ** 0.5
        energy -= one[6] * other[6] / distance
    return "{0:.7e}".format(energy)


def words(size: int, _fsync: bool = False) -> str:
    """Make C(size) words, count them in a dict, sort, format and join them; return a number made of the result."""
    state = 42
    counts = {}  # type: t.Dict[str, int]
    for _turn in range(size):
        state = (state * 1103515245 + 12345) % 2147483648
        word = "w{0:x}".format((state >> 8) % 5003)
        counts[word] = counts.get(word, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    text = ",".join(["%s=%d" % item for item in ordered]).upper()  # one of the ways to format
    parts = [part.partition("=") for part in text.split(",") if part]
    number = 0
    for name, _equals, count in parts:
        number = (number * 31 + len(name) * int(count) + ord(name[-1])) % 2305843009213693951
    return str(number)


def files(size: int, fsync: bool = False) -> str:
    """Write, rename, read and remove C(size) files of 4 KiB in the current folder; return how many bytes it read."""
    block = b"0123456789abcdef" * 256
    for number in range(size):
        with open("{0}.new".format(number), "wb") as stream:
            stream.write(block)
            if fsync:
                stream.flush()
                os.fsync(stream.fileno())
        os.rename("{0}.new".format(number), "{0}.done".format(number))
    total = 0
    for name in sorted(os.listdir(".")):
        if name.endswith(".done"):
            with open(name, "rb") as stream:
                total += len(stream.read())
            os.remove(name)
    return str(total)


WORKLOADS = {"nbody": nbody, "words": words, "files": files}  # type: t.Dict[str, t.Callable[[int, bool], str]]


def describe() -> t.Dict[str, t.Any]:
    """Return what this interpreter is, and its results for small sizes of the workloads that only compute."""
    enabled = getattr(sys, "_is_gil_enabled", None)
    return {
        "version": "{0}.{1}.{2}".format(*sys.version_info[:3]) + _level(),
        "implementation": sys.implementation.name,
        "build": sys.version,
        "debug": hasattr(sys, "gettotalrefcount"),
        "free_threaded": enabled is not None and not enabled(),
        "optimized": _optimized(),
        "results": {"nbody": nbody(100), "words": words(500)},
    }


def _level() -> str:
    level = sys.version_info.releaselevel
    short = {"alpha": "a", "beta": "b", "candidate": "rc", "final": ""}[level]
    return "{0}{1}".format(short, sys.version_info.serial) if short else ""


def _optimized() -> t.Optional[bool]:
    """Tell whether it was built with profile-guided optimization, None where it does not say."""
    try:
        import sysconfig  # noqa: PLC0415  # not every interpreter has it

        arguments = sysconfig.get_config_var("CONFIG_ARGS")
    except (ImportError, OSError):
        # Its standard library lacks the record of its build.
        return None
    return "--enable-optimizations" in arguments if isinstance(arguments, str) else None


def run(workload: str, size: int, fsync: bool) -> t.Dict[str, t.Any]:
    """Do the work once and return how long it took, and how much of the processor, in seconds."""
    work = WORKLOADS[workload]
    begin, used = time.perf_counter(), time.process_time()
    work(size, fsync)
    return {"seconds": time.perf_counter() - begin, "cpu_seconds": time.process_time() - used}


def run_under_pyperf() -> t.Optional[t.Dict[str, t.Any]]:
    """Let pyperf take one timing and return it; None in the process that pyperf starts for it."""
    import pyperf  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415  # few interpreters have it

    runner = pyperf.Runner(
        values=1,
        processes=1,
        warmups=0,
        loops=1,
        program_args=(sys.argv[0], "pyperf"),
        add_cmdline_args=lambda command, given: command.append(given.what),
    )
    runner.argparser.add_argument("what")
    options = runner.parse_args(sys.argv[2:])
    what = json.loads(options.what)
    if "command" in what:
        taken = runner.bench_command("command", what["command"])
    else:
        taken = runner.bench_func(what["workload"], WORKLOADS[what["workload"]], what["size"], what["fsync"])
    return None if options.worker else {"seconds": taken.get_values()[0]}


def main(arguments: t.Sequence[str]) -> None:
    """Carry out the command and print what it returns as JSON, on the last line."""
    if arguments[0] == "pyperf":
        result = run_under_pyperf()
    elif arguments[0] == "describe":
        result = describe()
    else:
        result = run(arguments[1], int(arguments[2]), "fsync" in arguments)
    if result is not None:
        sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
