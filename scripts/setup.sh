#!/usr/bin/env bash
# Make the environment of the jobs (.venv), or with --airflow that of Airflow (.venv-airflow), from its lock
# file. With --uv only uv, which writes the lock files. Run it as often as you like: it changes only what
# differs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

UV_VERSION=0.13.9
LOG=build/setup.log

usage() {
    echo "usage: scripts/setup.sh [--airflow | --uv]" >&2
    exit 2
}

# Print one line, run the rest with its output in the log; where it fails, show the end of the log and stop.
stage() {
    local line=$1
    shift
    echo "setup: $line"
    if ! "$@" >>"$LOG" 2>&1 </dev/null; then
        tail -n 40 "$LOG" >&2
        echo "setup: failed: $line (all output: $LOG)" >&2
        exit 1
    fi
}

# The Python 3.11 that can make environments and compile against; fails where there is none.
find_python() {
    local candidate
    for candidate in python3.11 python3; do
        if "$candidate" - >/dev/null 2>&1 <<'PYTHON'
import ensurepip, os, sys, sysconfig
header = os.path.join(sysconfig.get_paths()["include"], "Python.h")
sys.exit(sys.version_info[:2] != (3, 11) or not os.path.exists(header))
PYTHON
        then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

# Whether there is a Java that Spark 4.0 runs on, where sparkrec.lake.java looks for one.
has_java() {
    local java version
    for java in "${JAVA_HOME:-/none}/bin/java" "$(command -v java)" /usr/lib/jvm/*/bin/java /usr/java/*/bin/java \
        /opt/java/*/bin/java /opt/jdk*/bin/java ~/.sdkman/candidates/java/*/bin/java ~/.jdks/*/bin/java; do
        [[ -x $java ]] || continue
        version=$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1) || continue
        [[ $version != 17 && $version != 21 ]] || return 0
    done
    return 1
}

# Debian's packages that are missing for what follows.
missing_packages() {
    find_python >/dev/null || echo python3.11 python3.11-venv python3.11-dev
    [[ $target == jobs ]] || return 0
    has_java || echo openjdk-17-jre-headless
    command -v g++ >/dev/null || echo g++
    command -v make >/dev/null || echo make
}

require_system() {
    local packages
    packages=$(missing_packages | xargs)
    [[ -n $packages ]] || return 0
    if [[ -f /etc/debian_version && $(id -u) == 0 ]]; then
        export DEBIAN_FRONTEND=noninteractive
        stage "looking up Debian's packages" apt-get update
        # shellcheck disable=SC2086  # a list of names
        stage "installing $packages" apt-get install --yes --no-install-recommends $packages
        packages=$(missing_packages | xargs)
        [[ -n $packages ]] || return 0
    fi
    echo "setup: install these first, or what your system calls them: $packages" >&2
    exit 2
}

# An environment with the given folder, if there is none that works.
make_env() {
    "$1/bin/python" -m pip --version >/dev/null 2>&1 ||
        stage "making $1" "$(find_python)" -m venv "$1"
}

need_uv() {
    make_env .venv
    [[ $(.venv/bin/uv --version 2>/dev/null) == "uv $UV_VERSION"* ]] ||
        stage "installing uv $UV_VERSION" .venv/bin/python -m pip install --quiet "uv==$UV_VERSION"
}

# The packages of a lock file and the project itself, and nothing else, in one go: what is there stays.
sync_env() {
    .venv/bin/uv pip sync --compile-bytecode --python "$1/bin/python" "$2" - <<<"-e ."
}

target=jobs
case "${1:-}" in
    "") ;;
    --airflow) target=airflow ;;
    --uv) target=uv ;;
    *) usage ;;
esac
(($# <= 1)) || usage

mkdir -p build
: >"$LOG"
require_system
need_uv
case $target in
    jobs)
        stage "installing requirements.lock in .venv (the first time some minutes, most of them Horovod's build)" \
            sync_env .venv requirements.lock
        stage "putting Delta's jars beside Spark's" .venv/bin/python -m sparkrec.lake.jars
        echo "setup: keeping the classes that Spark loads"
        # Without them jobs do the same, only start later.
        .venv/bin/python -m sparkrec.lake.shared_classes >>"$LOG" 2>&1 </dev/null ||
            echo "setup: they could not be kept, so that jobs start a little later (see $LOG)"
        touch .venv/.installed
        ;;
    airflow)
        make_env .venv-airflow
        stage "installing airflow_dags/requirements.lock in .venv-airflow" \
            sync_env .venv-airflow airflow_dags/requirements.lock
        touch .venv-airflow/.installed
        ;;
esac
