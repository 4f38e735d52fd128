#!/usr/bin/env bash
# Programs of the system that the Makefile needs: finds them, installs them by apt when root, or names them in one line.
#   host.sh base | java | test | image | cluster    make sure that this group is there
#   host.sh rust                             whether a Rust is there that builds the verifier
#   host.sh python                           print a Python that can run the project
set -euo pipefail

python() {
    for p in "${PYTHON:-python3}" python3.13 python3.12 python3.11 /usr/bin/python3; do
        if "$p" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then
            "$p" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    return 1
}

# Debian's own Rust is too old, so apt does not help: rustup installs a newer one.
RUST=88 # 1.88: let chains
rust() {
    local minor
    minor=$({ cargo --version 2>/dev/null || true; } | sed -nE 's/^cargo 1\.([0-9]+)\..*/\1/p')
    [ "${minor:-0}" -ge "$RUST" ] && command -v rustc >/dev/null && return 0
    if [ "${CI:-}" = true ]; then
        echo "missing on this machine: Rust 1.$RUST or later (from rustup.rs); in CI the compiled verifier is required" >&2
        exit 3
    fi
    echo "no Rust 1.$RUST or later (rustup.rs has it): the verifier in Python is used" >&2
    return 1
}

need=()
want() { command -v "$1" >/dev/null 2>&1 || need+=("$2"); }

# A JDK of the machine that Joern runs on: 11 or later, with a compiler.
jdk() { command -v javac >/dev/null 2>&1 || need+=(default-jdk-headless); }

case "${1:-}" in
python) python || { echo "PickleBall needs Python 3.11 to 3.14 with venv: apt-get install python3 python3-venv" >&2; exit 3; }; exit ;;
rust) rust; exit ;;
base) python >/dev/null || need+=(python3 python3-venv) ;;
java) jdk; want mvn maven ;;
test) [[ $(/sbin/ldconfig -p) == *libgomp.so.1* ]] || need+=(libgomp1); want promtool prometheus ;;  # LightGBM's wheel needs it and does not bring it
browser) want chromium chromium; want chromedriver chromium-driver ;;
image) want buildah buildah; want mmdebstrap mmdebstrap ;;
cluster) for pair in runc:runc iptables:iptables nft:nftables conntrack:conntrack ip:iproute2 openssl:openssl unshare:util-linux containerd:containerd; do want "${pair%%:*}" "${pair##*:}"; done
    [ -x /usr/lib/cni/bridge ] || need+=(containernetworking-plugins)
    compgen -G "/usr/lib/*/faketime/libfaketimeMT.so.1" >/dev/null || need+=(libfaketime) ;;
*) sed -n '2,6p' "$0" >&2; exit 2 ;;
esac

[ ${#need[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "missing on this machine: ${need[*]} (apt-get install --no-install-recommends ${need[*]})" >&2
    exit 3
fi
echo "installing ${need[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
