#!/bin/sh
# What the system must have: Python with venv, and bubblewrap. Installs it where that can be done
# without asking (root on Debian or a relative); says what to ask for where it cannot.
set -eu
python=${1:-python3}

say() { echo "nbjudge: $*" >&2; }

if ! command -v "$python" >/dev/null 2>&1; then
    say "there is no $python here. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3"
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    say "$("$python" --version) is too old: 3.11 or newer is needed. Name another: make PYTHON=/path/to/python3"
    exit 1
fi

missing=
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
if [ "$(uname -s)" = Linux ]; then
    command -v bwrap >/dev/null 2>&1 || missing="$missing bubblewrap"
else
    say "the sandbox needs Linux: grade in a Linux virtual machine. The rest works here."
fi
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "installing$missing with apt-get"
    apt-get update -qq || true
    # shellcheck disable=SC2086 # one word a package
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null
else
    say "missing:$missing. Ask an administrator for: apt-get install$missing"
    say "(dnf install bubblewrap, pacman -S bubblewrap, ... on other systems), then try again."
    exit 1
fi
