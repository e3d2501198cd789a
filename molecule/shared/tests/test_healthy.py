"""A host on which nothing is wrong is not written to. Runs before the other tests, which do write."""

import pytest
from shared.subject import MARKER, STATE, Subject
from testinfra.host import Host

# Docker writes the first three at every start. rpm and Ansible take locks and make temporary folders, and no more.
INNOCENT = (
    "/etc/hosts",
    "/etc/hostname",
    "/etc/resolv.conf",
    "/root",
    "/root/.ansible",
    "/root/.ansible/tmp",
    "/var/lib/rpm",
    "/var/lib/rpm/rpmdb.sqlite-shm",
    "/var/lib/rpm/rpmdb.sqlite-wal",
    "/usr/lib/sysimage/rpm",
    "/usr/lib/sysimage/rpm/.rpm.lock",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite-shm",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite-wal",
    # The environment of a Berkeley database.
    "/var/lib/rpm/.dbenv.lock",
    *(f"/var/lib/rpm/__db.00{number}" for number in range(1, 4)),
)

# Every reader opens a Berkeley database's indexes for writing, and a container's file system copies them for that. The
# packages themselves are in another file.
INDEXES = """
    Basenames Conflictname Dirnames Enhancename Filetriggername Group Installtid Name Obsoletename Providename
    Recommendname Requirename Sha1header Sigmd5 Suggestname Supplementname Transfiletriggername Triggername
""".split()

# What zypper notes for itself when it downloads a package for a neighbour.
LENT = ("/var/lib", "/var/lib/YaST2", "/var/lib/YaST2/cookies", "/var/lib/zypp", "/var/lib/zypp/AnonymousUniqueId")


def test_nothing_was_written(subject: Subject, host: Host) -> None:
    if subject.is_broken:
        pytest.skip("this host was repaired")
    written = host.check_output("find /boot /etc /opt /root /srv /usr /var/lib -xdev -newercm %s", MARKER).splitlines()
    innocent = [*INNOCENT, *(f"/var/lib/rpm/{name}" for name in INDEXES), *(LENT if subject.entry.get("lends") else ())]
    assert [path for path in written if path not in innocent] == []
    assert host.run("test -e %s", STATE).rc == 1
