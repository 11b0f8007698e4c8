#!/bin/sh
# install_lock.sh ENVIRONMENT LOCK: installs exactly what the lock file names, by hash, with the uv of .venv; with pip where uv fails, because it reads no pip.conf, which may name the only index in reach.
# Nothing is compiled: Python does that on first use, and most of what is installed is never used.
set -eu
python=$1/bin/python
if ! .venv/bin/uv pip install --quiet --no-config --python "$python" --no-deps --require-hashes --requirement "$2"; then
    echo "uv could not install $2 into $1; trying pip" >&2
    .venv/bin/python -m pip --python "$python" install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes --requirement "$2"
fi
