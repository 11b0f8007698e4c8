#!/bin/sh
# Prints the path of the first Python that really runs and fits, or one line of cause on stderr (exit 2).
#
#   find_python.sh           3.11 to 3.13: $PYTHON alone if it is set, else python3, python3.13, python3.12, python3.11
#   find_python.sh 3.13      exactly 3.13: $PYTHON313 alone if it is set, else python3.13, python3, then pyenv's versions
#
# A pyenv shim may be on PATH and refuse to run, so every candidate is run before it is believed.
set -eu

# fits PYTHON: prints its real path if it is within 3.$lowest and 3.$highest and can make virtual environments.
fits() {
    "$1" -c 'import ensurepip, sys, venv; print(sys.executable); sys.exit(not (3, int(sys.argv[1])) <= sys.version_info[:2] <= (3, int(sys.argv[2])))' \
        "$lowest" "$highest" 2>/dev/null
}

first_that_fits() {
    for candidate in "$@"; do
        if found=$(fits "$candidate"); then
            echo "$found"
            exit 0
        fi
    done
}

if [ "${1:-}" = 3.13 ]; then
    lowest=13 highest=13
    if [ -n "${PYTHON313:-}" ]; then
        first_that_fits "$PYTHON313"
        echo "PYTHON313=$PYTHON313 is not a Python 3.13 that runs with venv and ensurepip; correct it or unset it" >&2
    else
        first_that_fits python3.13 python3 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13*/bin/python3.13
        echo "no python3.13 runs here (tried \$PYTHON313, PATH and pyenv); install it, for example with 'pyenv install 3.13', or set PYTHON313=/path/to/python3.13" >&2
    fi
else
    lowest=11 highest=13
    if [ -n "${PYTHON:-}" ]; then
        first_that_fits "$PYTHON"
        echo "PYTHON=$PYTHON is not a Python 3.11, 3.12 or 3.13 that runs with venv and ensurepip; correct it or unset it" >&2
    else
        first_that_fits python3 python3.13 python3.12 python3.11
        echo "no Python 3.11, 3.12 or 3.13 with venv and ensurepip on PATH (Debian: apt install python3-venv); install one or set PYTHON=/path/to/python" >&2
    fi
fi
exit 2
