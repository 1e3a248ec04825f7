#!/usr/bin/env bash
# ceph.sh - a throwaway Ceph cluster on 127.0.0.1, for tests. No systemd, nothing in /etc/ceph.
#
#   ceph.sh up        start (creates it the first time, restarts the kept data otherwise)
#   ceph.sh status    daemons, memory, health; exit 0 only if the cluster answers and every OSD is up
#   ceph.sh stop      stop the daemons, keep the data
#   ceph.sh down      stop the daemons, remove the directory
#   ceph.sh rgw-up    start radosgw (S3 + Swift v1), create the user `dev`
#   ceph.sh rgw-down  stop radosgw
#   ceph.sh env       print the exports to use the cluster from a shell: eval "$(ceph.sh env)"
#
# Environment (all optional):
#   CEPH_DEV_DIR    ./.ceph     everything lives here: ceph.conf, keyrings, data, logs, pids
#   CEPH_DEV_STORE  bluestore   bluestore (a sparse file per OSD, survives stop/up) | memstore (RAM, lost at stop)
#   CEPH_DEV_OSDS   1           number of OSDs (failure domain is the OSD, so 3 OSDs can hold size-3 pools)
#   CEPH_DEV_SIZE   1           replicas per pool; at most CEPH_DEV_OSDS
#   CEPH_DEV_GB     10          size of each OSD in GiB (sparse file, or the memstore limit)
#   CEPH_DEV_MGR    1           0: no mgr. Data path, rbd and librados work; `ceph df`, pool stats, rados_cluster_stat do not
#   CEPH_DEV_PORT   10789       mon port (msgr2); OSD, mgr take free ports from CEPH_DEV_PORT+11 up
#   CEPH_DEV_POOLS  "volumes images backups"
#   CEPH_DEV_PG     8           placement groups per pool
#   CEPH_DEV_RGW_PORT  7480
#
# Debian 12: apt-get install --no-install-recommends ceph-mon ceph-mgr ceph-osd ceph-common [radosgw]
set -euo pipefail

DIR=$(realpath -m "${CEPH_DEV_DIR:-./.ceph}")
STORE=${CEPH_DEV_STORE:-bluestore}
OSDS=${CEPH_DEV_OSDS:-1}
SIZE=${CEPH_DEV_SIZE:-1}
GB=${CEPH_DEV_GB:-10}
MGR=${CEPH_DEV_MGR:-1}
PORT=${CEPH_DEV_PORT:-10789}
POOLS=${CEPH_DEV_POOLS:-volumes images backups}
PG=${CEPH_DEV_PG:-8}
RGW_PORT=${CEPH_DEV_RGW_PORT:-7480}
CONF=$DIR/ceph.conf
# where ceph-mon, ceph-mgr, ceph-osd may be installed
PATH=$PATH:/usr/bin:/usr/sbin:/sbin
export CEPH_CONF=$CONF
export CEPH_ARGS=

say() { printf 'ceph-lab: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
now() { date +%s.%N; }
ceph_() { timeout "${T:-60}" ceph -c "$CONF" --connect-timeout 10 "$@"; }
alive() { # pidfile -> is that daemon running?
  local pid; [ -s "$1" ] || return 1; pid=$(cat "$1")
  [ -d "/proc/$pid" ] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "$CONF"
}
stop_one() { # pidfile [signal]
  alive "$1" || { rm -f "$1"; return 0; }
  local pid; pid=$(cat "$1"); kill "-${2:-TERM}" "$pid" 2>/dev/null || true
  for _ in $(seq 200); do alive "$1" || break; sleep 0.05; done
  alive "$1" && kill -KILL "$pid" 2>/dev/null || true
  rm -f "$1"
}
wait_for() { # seconds, what, command...
  local end=$((SECONDS + $1)) what=$2; shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || die "timed out waiting for $what; logs in $DIR/log"
    sleep 0.1
  done
}
start() { # name, program, args...: daemonises by itself, writes its own pid file
  local name=$1; shift
  alive "$DIR/run/$name.pid" && return 0
  "$@" -c "$CONF" --pid-file "$DIR/run/$name.pid" >"$DIR/log/$name.start.log" 2>&1 ||
    { tail -n 20 "$DIR/log/$name.start.log" >&2; die "$name did not start"; }
}

wipe() { # only ever a directory this script made
  grep -qsxF "run dir = $DIR/run" "$CONF" || die "$DIR holds no ceph-lab cluster; not removed"
  rm -rf "$DIR"
}

write_conf() {
  local store_opts
  case $STORE in
    bluestore) store_opts="osd objectstore = bluestore
bluestore block size = $((GB << 30))
bluestore block create = true
bluestore fsck on mount = false
# a fixed small cache in place of the 4 GiB autotuned one
bluestore cache autotune = false
bluestore cache size = $((64 << 20))" ;;
    memstore) store_opts="osd objectstore = memstore
memstore device bytes = $((GB << 30))" ;;
    *) die "CEPH_DEV_STORE must be bluestore or memstore" ;;
  esac
  cat >"$CONF" <<CONFIG
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon host = [v2:127.0.0.1:$PORT/0,v1:127.0.0.1:$((PORT + 1))/0]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
ms bind port min = $((PORT + 11))
ms bind port max = $((PORT + 200))
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = $DIR/keyring
run dir = $DIR/run
admin socket = $DIR/run/\$name.asok
log file = $DIR/log/\$name.log
log max recent = 500
debug ms = 0
crash dir = $DIR/crash
osd pool default size = $SIZE
osd pool default min size = 1
osd pool default pg num = $PG
osd pool default pgp num = $PG
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
[client]
admin socket =
log file = /dev/null
rbd default features = 61
[client.cinder]
keyring = $DIR/cinder.keyring
[mon]
mon data = $DIR/mon
mon cluster log file = $DIR/log/cluster.log
mon allow pool size one = true
mon allow pool delete = true
mon warn on pool no redundancy = false
mon pg warn min per osd = 0
mon max pg per osd = 1000
mon data avail warn = 2
mon data avail crit = 1
auth allow insecure global id reclaim = false
# commit at once: by default each map change waits up to a second
paxos propose interval = 0.02
paxos min wait = 0.01
mon tick interval = 1
mon osd nearfull ratio = .9
mon osd full ratio = .95
mon memory target = 268435456
mon memory autotune = false
rocksdb cache size = 16777216
[mgr]
mgr data = $DIR/mgr
keyring = $DIR/mgr/keyring
mgr initial modules =
mgr stats period = 1
mgr tick period = 1
mgr disabled modules = alerts dashboard diskprediction_local influx insights iostat k8sevents localpool mirroring nfs osd_perf_query osd_support prometheus restful selftest snap_schedule stats telegraf test_orchestrator zabbix
[osd]
osd data = $DIR/osd\$id
keyring = $DIR/osd\$id/keyring
$store_opts
osd memory target = 939524096
osd max write size = 256
osd client message size cap = 268435456
osd crush update on start = true
osd class load list = *
osd class default list = *
osd scrub load threshold = 2000
osd max object name len = 460
osd max object namespace len = 64
CONFIG
}

create() { # first time only
  mkdir -p "$DIR"/{run,log,mon,mgr,crash}; chmod 700 "$DIR"
  write_conf
  ceph-authtool --create-keyring "$DIR/keyring" --gen-key -n client.admin \
    --cap mon 'allow *' --cap osd 'allow *' --cap mds 'allow *' --cap mgr 'allow *' >/dev/null
  ceph-authtool --create-keyring "$DIR/mon.keyring" --gen-key -n mon. --cap mon 'allow *' \
    --import-keyring "$DIR/keyring" >/dev/null
  monmaptool --create --clobber --addv a "[v2:127.0.0.1:$PORT/0,v1:127.0.0.1:$((PORT + 1))/0]" \
    --fsid "$(sed -n 's/^fsid = //p' "$CONF")" --set-min-mon-release pacific "$DIR/monmap" >/dev/null 2>&1
  ceph-mon -c "$CONF" -i a --mkfs --monmap "$DIR/monmap" --keyring "$DIR/mon.keyring" >"$DIR/log/mon-mkfs.log" 2>&1 ||
    { cat "$DIR/log/mon-mkfs.log" >&2; die "mon mkfs failed"; }
  cp "$DIR/mon.keyring" "$DIR/mon/keyring"
}

# mkfs needs no mon, so it runs beside the mon's and the mgr's start
mkfs_osd() { # id
  local d=$DIR/osd$1
  mkdir -p "$d"; cat /proc/sys/kernel/random/uuid >"$d/uuid"
  printf '[osd.%s]\n\tkey = %s\n' "$1" "$(ceph-authtool --gen-print-key)" >"$d/keyring"
  ceph-osd -c "$CONF" -i "$1" --mkfs --no-mon-config --osd-uuid "$(cat "$d/uuid")" >"$DIR/log/osd$1-mkfs.log" 2>&1 ||
    { tail -n 20 "$DIR/log/osd$1-mkfs.log" >&2; die "osd.$1 mkfs failed"; }
}
register_osd() { # id
  local d=$DIR/osd$1
  until [ -s "$d/keyring" ]; do sleep 0.02; done
  ceph_ osd new "$(cat "$d/uuid")" "$1" -i - >/dev/null 2>&1 <<<"{\"cephx_secret\": \"$(sed -n 's/.*key = //p' "$d/keyring")\"}"
}

osds_up() { [ "$(ceph_ osd stat -f json | sed -n 's/.*"num_up_osds":\([0-9]*\).*/\1/p')" = "$OSDS" ]; }

up() {
  local t0; t0=$(now)
  for p in ceph-mon ceph-osd ceph ceph-authtool monmaptool rbd; do
    command -v $p >/dev/null || die "$p is missing: apt-get install --no-install-recommends ceph-mon ceph-mgr ceph-osd ceph-common"
  done
  [ "$SIZE" -le "$OSDS" ] || die "CEPH_DEV_SIZE=$SIZE needs as many OSDs"
  local fresh=0
  if [ ! -e "$DIR/ready" ]; then
    if [ -e "$CONF" ]; then stop; wipe; fi   # an unfinished creation
    [ -z "$(ls -A "$DIR" 2>/dev/null)" ] || die "$DIR is not empty and holds no cluster"
    fresh=1; create
  else
    grep -q "objectstore = $STORE" "$CONF" || die "$DIR holds another store type; run down first"
    # the cluster keeps the number of OSDs it was created with
    OSDS=$(find "$DIR" -maxdepth 1 -name 'osd[0-9]*' -type d | wc -l)
    grep -q 'objectstore = memstore' "$CONF" && ! alive "$DIR/run/osd.0.pid" && { say "memstore data is gone; creating anew"; stop; wipe; fresh=1; create; }
  fi
  local i p mkfs=() init=() caps_osd= caps_mgr=
  if [ $fresh = 1 ]; then
    for ((i = 0; i < OSDS; i++)); do mkfs_osd $i & mkfs+=($!); done
  fi
  start mon.a ceph-mon -i a --cluster ceph
  wait_for 30 "the mon" ceph_ mon stat
  if [ "$MGR" = 1 ]; then
    if [ ! -e "$DIR/mgr/keyring" ]; then
      ceph_ auth get-or-create mgr.x mon 'allow profile mgr' osd 'allow *' mds 'allow *' -o "$DIR/mgr/keyring" >/dev/null
    fi
    start mgr.x ceph-mgr -i x --cluster ceph
  fi
  if [ $fresh = 1 ]; then
    for ((i = 0; i < OSDS; i++)); do register_osd $i; done
    for p in $POOLS; do ceph_ osd pool create "$p" "$PG" "$PG" >/dev/null 2>&1; done
    for i in ${mkfs[@]+"${mkfs[@]}"}; do wait "$i"; done
  fi
  local starts=()
  for ((i = 0; i < OSDS; i++)); do start osd.$i ceph-osd -i $i --cluster ceph & starts+=($!); done
  for i in "${starts[@]}"; do wait "$i"; done
  wait_for 60 "$OSDS OSDs to be up" osds_up
  if [ $fresh = 1 ]; then
    for p in $POOLS; do
      timeout 60 rbd -c "$CONF" pool init "$p" & init+=($!)
      caps_osd="$caps_osd${caps_osd:+, }profile rbd pool=$p"; caps_mgr="$caps_mgr${caps_mgr:+, }profile rbd pool=$p"
    done
    for i in "${init[@]}"; do wait "$i"; done
    ceph_ auth get-or-create client.cinder mon 'profile rbd' osd "$caps_osd" mgr "$caps_mgr" -o "$DIR/cinder.keyring" >/dev/null
    touch "$DIR/ready"
  fi
  say "up in $(printf '%.1f' "$(echo "$(now) - $t0" | bc 2>/dev/null || awk "BEGIN{print $(now)-$t0}")") s; conf $CONF, users client.admin and client.cinder"
}

stop() {
  local f
  stop_one "$DIR/run/rgw.pid"
  for f in "$DIR"/run/osd.*.pid; do [ -e "$f" ] && stop_one "$f"; done
  stop_one "$DIR/run/mgr.x.pid" KILL  # the mgr takes seconds to end; it holds no state
  stop_one "$DIR/run/mon.a.pid"
}

down() { [ -e "$CONF" ] || { say "no cluster in $DIR"; return; }; stop; wipe; say "down, $DIR removed"; }

status() {
  [ -e "$CONF" ] || { say "no cluster in $DIR"; exit 1; }
  local f n pid bad=0
  for f in "$DIR"/run/*.pid; do
    n=$(basename "$f" .pid)
    if alive "$f"; then pid=$(cat "$f"); printf '%-7s pid %-7s rss %4d MiB\n' "$n" "$pid" $(($(awk '/^VmRSS/{print $2}' /proc/$pid/status) / 1024))
    else printf '%-7s dead\n' "$n"; bad=1; fi
  done
  T=15 ceph_ -s || exit 1
  OSDS=$(find "$DIR" -maxdepth 1 -name 'osd[0-9]*' -type d | wc -l)
  osds_up || bad=1
  exit $bad
}

rgw_up() {
  local t0; t0=$(now)
  command -v radosgw >/dev/null || die "radosgw is missing: apt-get install --no-install-recommends radosgw"
  [ -e "$DIR/ready" ] || die "run up first"
  if [ ! -e "$DIR/rgw.keyring" ]; then
    ceph_ auth get-or-create client.rgw mon 'allow rw' osd 'allow rwx' mgr 'allow rw' -o "$DIR/rgw.keyring" >/dev/null
  fi
  if ! grep -q '^\[client.rgw\]' "$CONF"; then cat >>"$CONF" <<CONFIG
[client.rgw]
keyring = $DIR/rgw.keyring
log file = $DIR/log/rgw.log
admin socket = $DIR/run/rgw.asok
rgw data = $DIR/rgw
# tcp_nodelay is off by default: small GETs then wait for delayed ACKs
rgw frontends = beast endpoint=127.0.0.1:$RGW_PORT tcp_nodelay=1
rgw enable apis = s3, swift, swift_auth, admin
rgw swift account in url = true
rgw swift versioning enabled = true
rgw enable usage log = false
rgw enable ops log = false
rgw enable gc threads = true
rgw thread pool size = 64
rgw cache enabled = true
rgw dynamic resharding = false
rgw bucket default quota max objects = -1
rgw rados pool pg num min = $PG
CONFIG
  fi
  mkdir -p "$DIR/rgw"
  start rgw radosgw -n client.rgw --cluster ceph
  wait_for 120 "radosgw" curl -fsS -o /dev/null "http://127.0.0.1:$RGW_PORT/"
  local admin="timeout 60 radosgw-admin -c $CONF"
  if ! [ -e "$DIR/rgw.user.json" ]; then
    $admin user create --uid dev --display-name dev --access-key devaccess --secret-key devsecret >/dev/null 2>&1
    $admin subuser create --uid dev --subuser dev:swift --access full >/dev/null 2>&1
    $admin key create --subuser dev:swift --key-type swift --secret-key devswift >"$DIR/rgw.user.json.tmp" 2>/dev/null
    mv "$DIR/rgw.user.json.tmp" "$DIR/rgw.user.json"
  fi
  say "radosgw up in $(awk "BEGIN{printf \"%.1f\", $(now)-$t0}") s at http://127.0.0.1:$RGW_PORT (S3 devaccess/devsecret, Swift dev:swift/devswift at /auth/v1.0)"
}

case ${1:-} in
  up) up ;;
  stop) stop; say stopped ;;
  down) down ;;
  status) status ;;
  rgw-up) rgw_up ;;
  rgw-down) stop_one "$DIR/run/rgw.pid"; say "radosgw stopped" ;;
  env) printf 'export CEPH_CONF=%q CEPH_ARGS=%q\n' "$CONF" "" ;;
  *) sed -n '2,28s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
