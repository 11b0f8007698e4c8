#!/bin/sh
# make_environment.sh ENVIRONMENT LOCK [PYTHON]: a new environment that holds exactly what the lock file names, not even a pip.
set -eu
"${3:-.venv/bin/python}" -m venv --clear --without-pip "$1"
sh tooling/install_lock.sh "$1" "$2"
