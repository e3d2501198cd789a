#!/bin/sh
# An interpreter that no package owns writes down, from here on, who runs it. The file is outside of what a repair moves.
set -eu
log=/var/tmp/unowned-python-ran
for library in /usr/lib/python3.* /usr/lib64/python3.*; do
    [ -f "$library/os.py" ] || continue
    ! rpm -qf "$library" >/dev/null 2>&1 || continue
    cat >"$library/sitecustomize.py" <<'END'
import os
import sys

with open("/var/tmp/unowned-python-ran", "a") as log:
    log.write("%d %s\n" % (os.getuid(), sys.argv))
END
    : >"$log"
    chmod 0666 "$log"
    # A tripwire that stays silent proves nothing: step on it once. Where the interpreter cannot start, there is none.
    "/usr/bin/${library##*/}" -c '' || { rm "$log"; continue; }
    grep -q '^0 ' "$log"
    : >"$log"
done
touch /var/tmp/prepared
