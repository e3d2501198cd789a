#!/bin/sh
# Name, mode, owner, kind and target of every file, and the content of those in /etc and /usr/bin. Not what the package
# managers and Ansible note for themselves.
set -eu
find /etc /opt /root /srv /usr /var/lib -xdev \( -path /root/.ansible -o -path /var/lib/dnf -o -path /var/lib/rpm \
  -o -path /usr/lib/sysimage/rpm -o -path /var/lib/zypp -o -path /var/lib/YaST2 -o -path /etc/resolv.conf \
  -o -path /etc/hosts \) -prune -o -printf '%p %m %U:%G %y %l\n' | sort
find /etc /usr/bin -xdev -type f ! -name resolv.conf ! -name hosts -exec sha256sum {} + | sort -k 2
