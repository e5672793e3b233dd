#!/bin/sh
# Makes the environment from the lock: install.sh VENV LOCK STAMP (with uv where it is there, else pip).
# PYTHON names the interpreter; without it, the first that fits is taken.
set -eu
venv=$1
lock=$2
stamp=$3

if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; else set -- python3 python3.13 python3.12 python3.11; fi
fits='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
python=
for candidate; do
    if "$candidate" -c "$fits" 2>/dev/null; then python=$candidate; break; fi
done
if [ -z "$python" ]; then
    echo "error: Earmark needs Python 3.11, 3.12 or 3.13; '$1' is $("$1" --version 2>&1 || true)." >&2
    echo "Name one: make install PYTHON=/path/to/python3.12" >&2
    exit 1
fi

# An environment of another Python than the one that was named is made anew.
identity='import os, sys; print(sys.version_info[:3], os.path.realpath(sys.base_prefix))'
if [ -n "${PYTHON:-}" ] && [ -x "$venv/bin/python" ]; then
    if [ "$("$python" -c "$identity")" != "$("$venv/bin/python" -c "$identity" 2>&1)" ]; then
        rm -rf "$venv"
    elif [ -e "$stamp" ]; then
        exit 0
    fi
fi

rm -f "$venv"/.installed-*
if command -v uv >/dev/null 2>&1; then
    [ -x "$venv/bin/python" ] || uv venv --quiet --python "$python" "$venv"
    VIRTUAL_ENV="$venv" uv pip install --quiet --require-hashes -r "$lock"
    VIRTUAL_ENV="$venv" uv pip install --quiet --no-deps --no-build-isolation --editable .
else
    [ -x "$venv/bin/pip" ] || "$python" -m venv --clear "$venv"
    export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_WARN_SCRIPT_LOCATION=1
    "$venv/bin/python" -m pip install --quiet --require-hashes -r "$lock"
    "$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation --editable .
fi
touch "$stamp"
