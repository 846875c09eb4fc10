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

# Python packages that `make test` asks where they can be had: what for, into which folder, which.
python_packages() {
    folder=target/$2
    if [ "$(cat "$folder/packages" 2>/dev/null)" = "$3" ]; then
        return
    fi
    echo "installing $3 into $folder (once)"
    rm -rf "$folder"
    # shellcheck disable=SC2086
    if python3 -m venv "$folder" && "$folder/bin/python" -m pip install -q --disable-pip-version-check $3; then
        echo "$3" >"$folder/packages"
    else
        rm -rf "$folder"
        echo "going on: without python3-venv and these packages $1" >&2
    fi
}

if [ "$purpose" = test ]; then
    # The providers' own as clients of the simulator, and Prometheus' as a reader of /metrics.
    python_packages "the simulator and /metrics are not tried with them" sdk \
        "openai==3.52.0 deepgram-sdk==7.17.0 cartesia==4.2.0 prometheus-client==0.26.0"
    python_packages "the document of the API is not validated, and the API not asked in all ways" api \
        "openapi-spec-validator==0.9.0 schemathesis==4.32.5"
fi
