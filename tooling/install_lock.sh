#!/bin/sh
# install_lock.sh ENVIRONMENT LOCK: installs exactly what the lock file names, by hash, with the pip of .venv (the only one there is).
# Nothing is compiled: Python does that on first use, and most of what is installed is never used.
set -eu
.venv/bin/python -m pip --python "$1/bin/python" install -qq --disable-pip-version-check --no-compile --no-deps --require-hashes --requirement "$2"
