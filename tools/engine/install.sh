#!/bin/sh
# Makes the virtual environment with the scan engine and the AWS emulator that the engine tests use, or leaves it alone
# when it is there and current. Prints the path of its interpreter. Needs uv, or Python 3.10 to 3.12 with venv.
#
#   install.sh FOLDER
set -eu
folder=$1
here=$(cd "$(dirname "$0")" && pwd)
stamp=$folder/installed
want=$(cksum < "$here/requirements.txt")
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ] && "$folder/bin/python" -c '' 2>/dev/null; then
    echo "$folder/bin/python"
    exit 0
fi
rm -rf "$folder"
mkdir -p "$(dirname "$folder")"
if command -v uv >/dev/null 2>&1; then
    uv venv --quiet --python 3.12 "$folder" >&2
    uv pip install --quiet --python "$folder/bin/python" -r "$here/requirements.txt" >&2
else
    python=
    for candidate in python3.12 python3.11 python3.10 python3; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
            python=$candidate
            break
        fi
    done
    if [ -z "$python" ]; then
        echo "the engine needs uv, or Python 3.10 to 3.12 with its venv module" >&2
        exit 1
    fi
    "$python" -m venv "$folder" >&2
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2
fi
echo "$want" > "$stamp"
echo "$folder/bin/python"
