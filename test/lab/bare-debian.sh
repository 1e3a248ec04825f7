#!/usr/bin/env bash
# bare-debian.sh: follows README.md in a new, bare Debian 12 (a chroot with pid and mount namespaces of its own), as root:
# clones this repository's HEAD, runs `npm start` and then "A first hour", both as they are written, presses Ctrl-C and
# looks for what is left. Ports are the host's, so nothing else may listen on Hearth's. Takes 5 to 15 minutes.
#   BARE_COUNT 200   machines of the boot storm, where the host is too small for what README says
#   BARE_STAGES      stages of `npm test` to run after it, such as "unit"; it installs all that the tests need
#   BARE_ROOT        folder of an installed root to use, and to keep; else a new one that is removed at the end
set -euo pipefail
cd "$(dirname "$0")/../.."
suite=bookworm
say() { echo "bare-debian: $*" >&2; }
die() { say "$*"; exit 1; }

# block N: the Nth block of shell of README.md
block() { awk -v wanted="$1" '/^```sh$/ {n++; inside=1; next} /^```$/ {inside=0} inside && n==wanted' README.md; }

# The archives and the connection settings of this machine's own apt.
install_debian() {
  local sites mirror security
  # shellcheck disable=SC2016 # apt-get replaces them
  sites=$(apt-get indextargets --format '$(SITE)|$(RELEASE)' 'Identifier: Packages' | sort -u)
  mirror=$(sed -n "s/|$suite\$//p" <<<"$sites" | head -1)
  security=$(sed -n "s/|$suite-security\$//p" <<<"$sites" | head -1)
  apt-config dump | grep -E '^Acquire::(Check-|https?::)' >"$work/apt.conf" || true
  say "installing Debian $suite, its nodejs and its npm"
  mmdebstrap --mode=root --variant=minbase --components=main --include=ca-certificates,git,nodejs,npm \
    --aptopt="$work/apt.conf" "$suite" "$root" "deb $mirror $suite main" "deb $mirror $suite-updates main" \
    "deb $security $suite-security main" >"$work/mmdebstrap.log" 2>&1 || { tail -n 20 "$work/mmdebstrap.log" >&2; die 'mmdebstrap failed'; }
}

# What lets the new root reach package registries as this machine does.
copy_network() {
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  mkdir -p "$root/usr/local/share/ca-certificates"
  find /usr/local/share/ca-certificates -name '*.crt' -exec cp {} "$root/usr/local/share/ca-certificates/" \;
  chroot "$root" update-ca-certificates >"$work/ca.log" 2>&1
  local name
  for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    [ -z "${!name:-}" ] || variables+=("$name=${!name}")
  done
  variables+=("npm_config_registry=$(npm config get registry)" NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt)
  variables+=(npm_config_cafile=/etc/ssl/certs/ca-certificates.crt)
}

write_steps() {
  block 1 >"$root/root/start.sh"
  block 3 >"$root/root/first-hour.sh"
  grep -q '^npm start' "$root/root/start.sh" || die 'the first block of README.md is no longer npm start'
  grep -q '^openstack token issue' "$root/root/first-hour.sh" || die 'the third block of README.md is no longer the first hour'
  if [ -n "${BARE_COUNT:-}" ]; then
    sed -i "s/--count [0-9]* --concurrency [0-9]*/--count $BARE_COUNT --concurrency $BARE_COUNT/" "$root/root/first-hour.sh"
  fi
  cat >"$root/root/inside.sh" <<'STEPS'
set -eu
cd /root/hearth
# Job control gives npm start a process group, which Ctrl-C in a terminal would reach as a whole.
set -m
: >/root/start.log
bash /root/start.sh >/root/start.log 2>&1 &
started=$!
set +m
fail() { echo "--- output of npm start:"; tail -n 40 /root/start.log; echo "FAILED: $*"; exit 1; }
began=$SECONDS
until grep -q '^Hearth is ready' /root/start.log; do
  kill -0 "$started" 2>/dev/null || fail 'npm start ended'
  [ $((SECONDS - began)) -lt 900 ] || fail 'npm start is not ready'
  sleep 1
done
echo "npm start was ready after $((SECONDS - began)) s:"
cat /root/start.log
DEBIAN_FRONTEND=noninteractive bash -ex /root/first-hour.sh || fail 'the first hour'
echo "the first hour ended after $((SECONDS - began)) s"
kill -INT "-$started"
wait "$started" || true
for _ in $(seq 50); do
  left=$(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' ' ' | grep -oE '(hearth\.mjs|tgtd|qemu-storage-daemon)' || true)
  [ -z "$left" ] && break
  sleep 0.2
done
[ -z "$left" ] || fail "left behind: $left"
grep hearth /proc/mounts && fail 'a mount was left'
grep -q 'Stopped' /root/start.log || fail 'Ctrl-C did not stop in order'
# shellcheck disable=SC2086 # several stages
[ -z "${BARE_STAGES:-}" ] || npm test -- $BARE_STAGES
STEPS
}

# Runs in a mount namespace of its own: what it mounts goes with it.
if [ "${1:-}" = inside ]; then
  root=$2
  shift 2
  mount -t proc proc "$root/proc"
  mount --rbind /sys "$root/sys"
  mount --rbind /dev "$root/dev"
  exec env -i "$@" chroot "$root" bash /root/inside.sh
fi

[ "$(id -u)" = 0 ] || die 'needs root'
work=$(mktemp -d /tmp/bare-debian.XXXXXX)
root=${BARE_ROOT:-$work/root}
trap 'rm -rf --one-file-system "$work"' EXIT
variables=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "TERM=${TERM:-dumb}")
variables+=("BARE_STAGES=${BARE_STAGES:-}")
[ -e "$root/etc/debian_version" ] || install_debian
copy_network
rm -rf --one-file-system "$root/root/hearth"
git clone --quiet --no-hardlinks . "$root/root/hearth"
write_steps
unshare --mount --propagation private --pid --fork --kill-child bash test/lab/bare-debian.sh inside "$root" "${variables[@]}"
say 'README.md holds in a bare Debian'
