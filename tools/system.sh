#!/bin/sh
# What the system must have: Python with venv, and bubblewrap. Installs it where that can be done
# without asking (root on Debian or a relative); says what to ask for where it cannot.
# With --tests first: the servers that tests start and stop themselves as well, and the browser that they
# look at pages with (tests that miss theirs are skipped, so that this never fails).
set -eu
tests=
[ "${1:-}" != --tests ] || { tests=yes; shift; }
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

if [ -n "$tests" ]; then
    wanted=
    command -v openssl >/dev/null 2>&1 || wanted="$wanted openssl"
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || wanted="$wanted postgresql"
    for name in slurmctld slurmd munged sbatch; do
        PATH=$PATH:/usr/sbin command -v $name >/dev/null 2>&1 || wanted="$wanted $name"
    done
    command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 ||
        command -v google-chrome >/dev/null 2>&1 || wanted="$wanted chromium"
    # shellcheck disable=SC2001 # more than one replacement
    wanted=$(echo "$wanted" | sed 's/munged/munge/; s/sbatch/slurm-client/')
    [ -n "$wanted" ] || exit 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "installing for the tests:$wanted"
        apt-get update -qq || true
        # shellcheck disable=SC2086 # one word a package
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted \
            >/dev/null || say "could not install them: the tests that need them are skipped"
    else
        say "tests that need$wanted are skipped"
    fi
    exit 0
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
