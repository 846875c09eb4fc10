#!/bin/sh
# Finds or installs what `make run` or `make test` needs. What cannot be installed is named in one line.
set -eu
purpose=${1:-run}

packages="make gcc libpocketsphinx3 pocketsphinx-en-us"
if [ "$purpose" = test ]; then
    packages="$packages flite sox postgresql"
fi

if ! command -v cargo >/dev/null 2>&1; then
    echo "Rust is missing: install it with rustup, then run this again" >&2
    exit 1
fi

present() {
    case $1 in
    make | gcc | flite | sox) command -v "$1" >/dev/null 2>&1 ;;
    # The server's programs, wherever they are: the tests start a server of their own and leave others alone.
    postgresql) command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 ;;
    libpocketsphinx3) ldconfig -p 2>/dev/null | grep -q 'libpocketsphinx\.so\.3' ;;
    pocketsphinx-en-us) [ -d /usr/share/pocketsphinx/model/en-us/en-us ] ;;
    esac
}

missing=""
for package in $packages; do
    present "$package" || missing="$missing $package"
done

if [ -n "$missing" ]; then
    # shellcheck disable=SC2086
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
    elif command -v apt-get >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        sudo apt-get update -qq && sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
    else
        echo "missing:$missing. Type: sudo apt-get install$missing" >&2
        case "$purpose $missing" in
        "test "* | *gcc*) exit 1 ;;
        *) echo "going on: without PocketSphinx callers answer by keypad" >&2 ;;
        esac
    fi
fi

if [ "$purpose" = test ] && ! cargo nextest --version >/dev/null 2>&1; then
    echo "installing cargo-nextest (once)"
    cargo install --locked cargo-nextest
fi

# The providers' own Python packages as clients of the simulator, and Prometheus' as a reader of /metrics: `make test` asks them where they
# can be had.
sdks="openai==3.52.0 deepgram-sdk==7.17.0 cartesia==4.2.0 prometheus-client==0.26.0"
sdk_python=target/sdk/bin/python
if [ "$purpose" = test ] && [ "$(cat target/sdk/packages 2>/dev/null)" != "$sdks" ]; then
    echo "installing $sdks into target/sdk (once)"
    rm -rf target/sdk
    # shellcheck disable=SC2086
    if python3 -m venv target/sdk && "$sdk_python" -m pip install -q --disable-pip-version-check $sdks; then
        echo "$sdks" >target/sdk/packages
    else
        rm -rf target/sdk
        echo "going on: without python3-venv and these packages the simulator and /metrics are not tried with them" >&2
    fi
fi
