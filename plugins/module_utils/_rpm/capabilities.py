# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The capabilities of files as text (capabilities(7)), of what the kernel stores and of what libcap writes."""

import re
import struct
import typing as t

__all__ = [
    "capability_bytes",
    "capability_text",
    "normal_capabilities",
]

# The kernel's capability numbers (linux/capability.h) in their order.
_CAPABILITIES = (
    "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service "
    "net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin "
    "sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override "
    "mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore"
).split()
_CLAUSE = re.compile(r"([A-Za-z0-9_,]*)((?:[-+=][eip]*)+)\Z")
# struct vfs_cap_data: revision in the highest byte, the effective bit, then pairs of permitted and inheritable words.
_CAPABILITY_WORDS = {0x01: 1, 0x02: 2, 0x03: 2}


def capability_text(data: bytes) -> str:
    """Return the text of a file's C(security.capability) attribute in the form of C(normal_capabilities).

    Raises ValueError for data that is no such attribute.
    """
    words = _CAPABILITY_WORDS.get(data[3], 0) if len(data) > 3 else 0
    if not words or len(data) < 4 + 8 * words:
        raise ValueError("not a capability attribute: {0}".format(data.hex()))
    numbers = struct.unpack("<{0}I".format(1 + 2 * words), data[: 4 + 8 * words])
    permitted = sum(numbers[1 + 2 * word] << (32 * word) for word in range(words))
    inheritable = sum(numbers[2 + 2 * word] << (32 * word) for word in range(words))
    # A file has one effective bit, which goes for all that it may give.
    effective = permitted | inheritable if numbers[0] & 1 else 0
    return _capability_words(effective, inheritable, permitted)


def capability_bytes(text: str) -> bytes:
    """Return the C(security.capability) attribute that says C(text), in any form that libcap writes.

    Raises ValueError for text that is in no known form.
    """
    sets = _sets_of(text)
    if sets is None:
        raise ValueError("not capabilities: {0}".format(text))
    words = [bits >> shift & 0xFFFFFFFF for shift in (0, 32) for bits in (sets["p"], sets["i"])]
    return struct.pack("<5I", 0x02000000 | bool(sets["e"]), *words)


def normal_capabilities(text: str) -> str:
    """Return capabilities as libcap wrote them (C(= cap_net_raw+ep), C(cap_net_raw=ep)) in one form.

    That form is C(cap_a,cap_b=ep cap_c=i): groups with equal flags, in the kernel's order of their first members.
    Text that is in no known form is returned as it is.
    """
    sets = _sets_of(text)
    return text if sets is None else _capability_words(sets["e"], sets["i"], sets["p"])


def _sets_of(text: str) -> t.Optional[t.Dict[str, int]]:
    """Return the bits of each flag, null for text that is in no known form."""
    sets = {"e": 0, "i": 0, "p": 0}
    for clause in text.split():
        match = _CLAUSE.match(clause)
        chosen = _capability_bits(match.group(1)) if match else None
        if match is None or chosen is None:
            return None
        _apply_clause(sets, chosen, match.group(2))
    return sets


def _apply_clause(sets: t.Dict[str, int], chosen: int, actions: str) -> None:
    operator = "="
    for char in actions:
        if char not in sets:
            operator = char
            if operator == "=":
                for flag in sets:
                    sets[flag] &= ~chosen
        elif operator == "-":
            sets[char] &= ~chosen
        else:
            sets[char] |= chosen


def _capability_bits(names: str) -> t.Optional[int]:
    if names in ("", "all"):
        return (1 << len(_CAPABILITIES)) - 1
    bits = 0
    for name in names.lower().split(","):
        plain = name[4:] if name.startswith("cap_") else name
        if plain in _CAPABILITIES:
            bits |= 1 << _CAPABILITIES.index(plain)
        elif plain.isdigit() and int(plain) < 64:
            bits |= 1 << int(plain)
        else:
            return None
    return bits


def _capability_words(effective: int, inheritable: int, permitted: int) -> str:
    groups = {}  # type: t.Dict[str, t.List[str]]
    sets = (("e", effective), ("i", inheritable), ("p", permitted))
    for number in range(64):
        flags = "".join(flag for flag, bits in sets if bits >> number & 1)
        if flags:
            name = "cap_" + _CAPABILITIES[number] if number < len(_CAPABILITIES) else str(number)
            groups.setdefault(flags, []).append(name)
    # As libcap does, so that a file that may do everything does not fill a screen.
    return " ".join(
        "{0}={1}".format(",".join(names) if len(names) < len(_CAPABILITIES) else "", flags)
        for flags, names in groups.items()
    )
