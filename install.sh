#!/bin/sh
# Makes the environment from the lock: install.sh VENV LOCK (with uv where it is there, pip otherwise).
set -eu
venv=$1
lock=$2
python=${PYTHON:-python3}

fits='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
if ! "$python" -c "$fits" 2>/dev/null; then
    for candidate in python3.13 python3.12 python3.11; do
        if "$candidate" -c "$fits" 2>/dev/null; then python=$candidate; break; fi
    done
fi
if ! "$python" -c "$fits" 2>/dev/null; then
    echo "Earmark needs Python 3.11, 3.12 or 3.13; '$python' is $("$python" --version 2>&1 || true)." >&2
    echo "Name one: make install PYTHON=/path/to/python3.12" >&2
    exit 1
fi

rm -f "$venv"/.installed-*
if command -v uv >/dev/null 2>&1; then
    [ -x "$venv/bin/python" ] || uv venv --quiet --python "$python" "$venv"
    VIRTUAL_ENV="$venv" uv pip install --quiet --require-hashes -r "$lock"
    VIRTUAL_ENV="$venv" uv pip install --quiet --no-deps --no-build-isolation --editable .
else
    [ -x "$venv/bin/pip" ] || "$python" -m venv --clear "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
        --no-build-isolation --editable .
fi
