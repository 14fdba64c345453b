#!/bin/sh
# Installs the Debian packages named as arguments, those that are missing only. Uses sudo when not root.
set -eu
missing=""
for package in "$@"; do
    state=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
    [ "$state" = "install ok installed" ] || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
echo "Installing:$missing" >&2
if ! command -v apt-get >/dev/null; then
    echo "apt-get is not here; install these packages by hand:$missing" >&2
    exit 1
fi
run=""
[ "$(id -u)" = 0 ] || run="sudo"
export DEBIAN_FRONTEND=noninteractive
$run apt-get update -qq
# shellcheck disable=SC2086 # a list of words on purpose
$run apt-get install -y -qq --no-install-recommends $missing >/dev/null
