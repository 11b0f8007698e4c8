#!/bin/sh
# fill_c2pa_layer.sh arm64|x86_64: puts the C2PA library for this processor into layers/c2pa/python, by hash, without what only its build needs.
set -eu
python=$(sh tooling/find_python.sh 3.13)
case "$1" in
    arm64) machine=aarch64 ;;
    x86_64) machine=x86_64 ;;
    *) echo "ARCH=$1: expected arm64 or x86_64, as the parameter Architecture has it" >&2; exit 2 ;;
esac
rm -rf layers/c2pa/python
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes \
    --only-binary=:all: --implementation cp --python-version 3.13 --platform "manylinux_2_28_$machine" \
    --target layers/c2pa/python --requirement layers/c2pa/requirements.txt
rm -f layers/c2pa/python/c2pa/libs/*.rlib layers/c2pa/python/c2pa/libs/*.d
"$python" -I -B tooling/artefacts/package.py compiled layers/c2pa/python /opt/python
echo "layers/c2pa/python: $(du -sk layers/c2pa/python | cut -f1) KiB for $1"
