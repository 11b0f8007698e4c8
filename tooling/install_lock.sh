#!/bin/sh
# install_lock.sh ENVIRONMENT LOCK: installs exactly what the lock file names, by hash, with the pip of .venv (the only one there is).
# Nothing is compiled: Python does that on first use, and most of what is installed is never used.
# Whole lines of progress, because make may run several of these beside each other.
set -eu
packages=$(grep -c '^[a-zA-Z0-9._-]*==' "$2")
status=$(mktemp)
{
    .venv/bin/python -m pip --python "$1/bin/python" install --no-color --progress-bar off --disable-pip-version-check --no-compile --no-deps --require-hashes --requirement "$2" || echo failed >"$status"
} | awk -v where="$1" -v packages="$packages" '
    /^(Collecting|Ignoring|Requirement already)/ && ++found % 20 == 0 { print "  " where ": " found " of " packages " packages fetched" > "/dev/stderr" }
    /^Installing collected/ { print "  " where ": installing" > "/dev/stderr" }
'
test ! -s "$status" || { rm "$status"; exit 1; }
rm "$status"
