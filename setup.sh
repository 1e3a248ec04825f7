#!/bin/sh
# setup.sh run | test: installs what is missing for running Hearth, or for its tests as well.
# npm packages always; Debian packages when root, else the line to run is printed.
set -eu
cd "$(dirname "$0")"
purpose=${1:-run}

# libatomic1: Node itself is linked with it, and small installations lack it.
run_packages='libatomic1 qemu-utils tgt xfsprogs'
test_packages='mariadb-server postgresql rabbitmq-server python3-openstackclient python3-swiftclient
 tempest python3-tempest python3-subunit python3-stestr subunit python3-swift
 qemu-system-x86 qemu-block-extra libiscsi-bin linux-image-amd64 busybox-static cpio syslinux syslinux-common mtools dosfstools
 ceph-mon ceph-mgr ceph-osd ceph-common librados2 librbd1 python3-rados python3-rbd python3-os-brick
 nginx-light haproxy mmdebstrap kmod openssh-client e2fsprogs xz-utils zstd python3-minimal fuse3 libfaketime'
packages=$run_packages
[ "$purpose" = test ] && packages="$run_packages $test_packages"

install_debian_packages() {
  command -v dpkg-query >/dev/null 2>&1 || {
    echo "This is not Debian. Install these packages yourself: $(echo $packages)" >&2
    return 0
  }
  missing=
  for package in $packages; do
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
      'install ok installed') ;;
      *) missing="$missing $package" ;;
    esac
  done
  [ -z "$missing" ] && return 0

  line="apt-get install --no-install-recommends$missing"
  if [ "$(id -u)" != 0 ]; then
    echo "These Debian packages are missing. As root, run:  $line" >&2
    [ "$purpose" = test ] && exit 1
    return 0
  fi
  echo "Installing Debian packages:$missing …"
  # Hearth starts what it needs itself: Debian's own daemons would only take the ports.
  policy=/usr/sbin/policy-rc.d
  own_policy=
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    own_policy=yes
  fi
  log=$(mktemp)
  export DEBIAN_FRONTEND=noninteractive
  if ! { apt-get -q update && apt-get -q -y -o DPkg::Lock::Timeout=600 install --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "That failed; the whole output is in $log. To try by hand:  $line" >&2
    [ -n "$own_policy" ] && rm -f "$policy"
    exit 1
  fi
  [ -n "$own_policy" ] && rm -f "$policy"
  rm -f "$log"
}

install_npm_packages() {
  if ! cmp -s package-lock.json node_modules/.hearth-installed; then
    echo 'Installing npm packages …'
    # Not `npm ci`: it refuses a registry that lacks a platform's optional binaries.
    # Without install scripts, but for Node's own: npm would compile better-sqlite3, which brings its binary along.
    npm install --ignore-scripts --no-save --no-audit --no-fund --loglevel=error
    npm rebuild node --loglevel=error
    # npm leaves out optional binaries whose "engines" exclude the Node it runs on: once more on the project's own.
    NODE_NO_WARNINGS=1 PATH="$PWD/node_modules/.bin:$PATH" npm install --ignore-scripts --no-save --no-audit --no-fund --loglevel=error
    cp package-lock.json node_modules/.hearth-installed
  fi
}

install_debian_packages
install_npm_packages
