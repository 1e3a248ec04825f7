#!/usr/bin/env bash
# vm.sh: a small Debian VM with a real (module-carrying) kernel, for storage-driver tests on a host
# whose own kernel has no device-mapper, SCSI, iSCSI or NFS.  Runs under QEMU TCG: no KVM needed.
#   vm.sh build      build kernel+initrd+root image once into $LAB_CACHE (needs root for mmdebstrap)
#   vm.sh up         boot (from the saved state where there is one), wait until a command can run
#   vm.sh run CMD..  run CMD in the guest as root, in /host (the shared checkout); stdout/stderr/exit code pass through
#   vm.sh down       stop it
#   vm.sh status | console | snapshot (rebuild the saved booted state)
#   vm.sh ssh        the arguments that ssh needs to reach the guest, one per line
# env: LAB_CACHE (default ~/.cache/hearth-lab)  LAB_RUN (default $LAB_CACHE/run; one VM per LAB_RUN)
#      LAB_SHARE (host dir seen as /host, default $PWD)   LAB_SHARE_RO=1 makes it read-only
#      LAB_FORWARD "hostport:guestport ..." on 127.0.0.1  LAB_MEM 1536  LAB_SMP 2  LAB_CPU qemu64
#      LAB_DISKS "8G 4G" sparse data disks (/dev/vdb, /dev/vdc...)
#      LAB_EXTRA_PACKAGES  LAB_MIRROR  LAB_NO_SNAPSHOT=1 (always cold boot)
# The guest reaches the host's loopback as 10.0.2.2.
set -euo pipefail
LAB_CACHE=${LAB_CACHE:-$HOME/.cache/hearth-lab}
LAB_RUN=${LAB_RUN:-$LAB_CACHE/run}
LAB_SHARE=${LAB_SHARE:-$PWD}
LAB_MEM=${LAB_MEM:-1536}; LAB_SMP=${LAB_SMP:-2}; LAB_CPU=${LAB_CPU:-qemu64}; LAB_MACHINE=${LAB_MACHINE:-pc}
LAB_DISKS=${LAB_DISKS:-8G 4G}
LAB_FORWARD=${LAB_FORWARD:-}
LAB_SUITE=bookworm
# norandmaps: the emulator translates code anew for every address that it is seen at, and an exec takes 4 ms instead of
# 21; with the features of "-cpu max" everything takes a third longer.
KERNEL_ARGS="console=ttyS0 quiet loglevel=4 panic=-1 net.ifnames=0 mitigations=off nokaslr audit=0 selinux=0 apparmor=0 random.trust_cpu=on tsc=reliable no_timer_check norandmaps init_on_alloc=0 hardened_usercopy=off randomize_kstack_offset=off rcupdate.rcu_expedited=1"
HOST_PACKAGES="qemu-system-x86 qemu-utils mmdebstrap kmod busybox-static cpio openssh-client e2fsprogs xz-utils python3-minimal zstd"
GUEST_PACKAGES="lvm2 thin-provisioning-tools targetcli-fb python3-rtslib-fb open-iscsi nfs-kernel-server nfs-common rpcbind tgt python3-os-brick openssh-server multipath-tools iproute2 kmod udev e2fsprogs xfsprogs qemu-utils libiscsi-bin busybox-static procps sudo dbus dmidecode lsscsi sg3-utils nvme-cli libstdc++6 libatomic1 ${LAB_EXTRA_PACKAGES:-}"
# module directories that the guest keeps (the rest of the 400 MB is hardware drivers)
MODULE_DIRS="arch crypto fs lib net block drivers/block drivers/md drivers/scsi drivers/target drivers/virtio drivers/nvme drivers/char/hw_random drivers/net/virtio_net.ko drivers/net/net_failover.ko drivers/dax drivers/infiniband/core drivers/cdrom drivers/crypto/virtio drivers/uio"
say() { echo "lab: $*" >&2; }
die() { say "$*"; exit 125; }
ms() { date +%s%3N; }

guest_init() { cat <<'EOI'
#!/bin/sh
# PID 1 of the lab: no systemd (it would cost 10 s and more under TCG)
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
mountpoint -q /proc || mount -t proc proc /proc
mountpoint -q /sys || mount -t sysfs sysfs /sys
mountpoint -q /dev || mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm; mount -t devpts devpts /dev/pts; mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs -o mode=755 tmpfs /run; mount -t tmpfs tmpfs /tmp; chmod 1777 /tmp /dev/shm
mkdir -p /run/dbus /etc/target /etc/nvme /run/lock /run/sshd /run/lvm /run/udev /run/rpcbind /run/sendsigs.omit.d
hostname lab
# LVM would write a copy of the metadata for every command
printf 'backup {\n\tbackup = 0\n\tarchive = 0\n}\n' > /etc/lvm/lvm.conf
# every command over ssh starts it
sed -i '/^root:/s,:[^:]*$,:/bin/sh,' /etc/passwd
ip link set lo up
modprobe -a virtio_net virtio_rng 2>/dev/null
ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up; ip route add default via 10.0.2.2
/lib/systemd/systemd-udevd --daemon
udevadm trigger --type=devices --action=add --subsystem-match=block
modprobe -a dm-mod dm-thin-pool dm-snapshot loop target_core_mod target_core_iblock target_core_file iscsi_target_mod iscsi_tcp sd_mod sg nfsd nfsv4 nfsv3 9p 9pnet_virtio configfs nvme_core
mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config
mount -t nfsd nfsd /proc/fs/nfsd; mkdir -p /var/lib/nfs/rpc_pipefs; mount -t rpc_pipefs rpc_pipefs /var/lib/nfs/rpc_pipefs
mkdir -p /host
/usr/sbin/sshd -o UsePAM=no -o UseDNS=no -o PrintMotd=no -o PrintLastLog=no -o PermitRootLogin=prohibit-password -o HostKey=/etc/ssh/ssh_host_ed25519_key -o MaxSessions=100
dbus-daemon --system --fork   # targetcli needs it (it looks for tcmu handlers there)
udevadm settle -t 20
echo "LAB-READY $(cat /proc/uptime)" > /dev/console
trap 'true' CHLD
while :; do sleep 3600 & wait $!; done
EOI
}
initrd_init() { cat <<'EOI'
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev; /bin/busybox mount -t proc proc /proc; /bin/busybox mount -t sysfs sysfs /sys
for m in $(/bin/busybox cat /mods/order); do /bin/busybox insmod /mods/$m || echo "insmod $m failed"; done
n=0; while [ ! -b /dev/vda ] && [ $n -lt 200 ]; do /bin/busybox usleep 20000; n=$((n+1)); done
/bin/busybox mount -t ext4 -o noatime,nobarrier /dev/vda /root || exec /bin/busybox sh
for d in dev proc sys; do /bin/busybox mount --move /$d /root/$d; done
exec /bin/busybox switch_root /root /lab-init
EOI
}

# one at a time: who waits finds it built
cmd_build() { mkdir -p "$LAB_CACHE"; flock -o "$LAB_CACHE/lock" bash "$0" build-alone; }
build_alone() {
  local t0; t0=$(ms)
  local key; key=$( { echo "$GUEST_PACKAGES $MODULE_DIRS $LAB_SUITE"; guest_init; initrd_init; } | sha256sum | cut -c1-16)
  if [ "$(cat "$LAB_CACHE/stamp" 2>/dev/null)" = "$key" ]; then say "image is current ($key)"; return 0; fi
  [ "$(id -u)" = 0 ] || die "build needs root"
  local miss=""; for p in $HOST_PACKAGES; do dpkg -s "$p" >/dev/null 2>&1 || miss="$miss $p"; done
  if [ -n "$miss" ]; then say "installing$miss"; apt-get -o DPkg::Lock::Timeout=600 install -y --no-install-recommends $miss >/dev/null; fi
  # the archives that this machine's own apt uses
  local sites; sites=$(apt-get indextargets --format '$(SITE)|$(RELEASE)' 'Identifier: Packages' 2>/dev/null | sort -u)
  LAB_MIRROR=${LAB_MIRROR:-$(sed -n 's/|bookworm$//p' <<<"$sites" | head -1)}
  LAB_SECURITY=${LAB_SECURITY:-$(sed -n 's/|bookworm-security$//p' <<<"$sites" | head -1)}
  mkdir -p "$LAB_CACHE"; rm -f "$LAB_CACHE/stamp"; rm -rf "$LAB_CACHE/state"
  local w; w=$(mktemp -d "$LAB_CACHE/build.XXXXXX"); chmod 755 "$w"
  trap 'rm -rf "'"$w"'"' EXIT
  # kernel
  local kpkg; kpkg=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[^ ]*\)/\1/p' | head -1)
  [ -n "$kpkg" ] || die "no linux-image-amd64 in apt (run apt-get update)"
  (cd "$w" && apt-get -o APT::Sandbox::User=root download "$kpkg" >/dev/null 2>&1 && dpkg-deb -x "$kpkg"_*.deb k)
  local V; V=$(ls "$w/k/lib/modules")
  depmod -b "$w/k" "$V"
  say "kernel $V ($(( $(ms)-t0 )) ms)"
  # an uncompressed vmlinux boots 3 s sooner under TCG than the xz one
  python3 - "$w/k/boot/vmlinuz-$V" "$LAB_CACHE/vmlinux" <<'EOP'
import lzma,sys,shutil
d=open(sys.argv[1],'rb').read(); i=-1; ok=False
while (i:=d.find(b'\xfd7zXZ\x00',i+1))>=0:
    try: o=lzma.LZMADecompressor().decompress(d[i:])
    except lzma.LZMAError: continue
    if o[:4]==b'\x7fELF': open(sys.argv[2],'wb').write(o); ok=True; break
if not ok: shutil.copy(sys.argv[1],sys.argv[2])
EOP
  # initrd: busybox and the modules needed to mount /dev/vda
  mkdir -p "$w/i"/{bin,dev,proc,sys,root,mods}; cp /bin/busybox "$w/i/bin/"
  for m in virtio_pci virtio_blk ext4; do modprobe -d "$w/k" -S "$V" --show-depends $m | awk '$1=="insmod"{print $2}'; done | awk '!s[$0]++' | while read -r f; do cp "$f" "$w/i/mods/"; basename "$f"; done > "$w/order"; cp "$w/order" "$w/i/mods/order"
  initrd_init > "$w/i/init"; chmod +x "$w/i/init"
  (cd "$w/i" && find . | cpio -o -H newc 2>/dev/null | gzip -1) > "$LAB_CACHE/initrd"
  # root file system
  mmdebstrap --mode=root --variant=minbase --include="$(echo $GUEST_PACKAGES | tr -s ' ' ',')" --components=main \
    --aptopt='APT::Install-Recommends "false"' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    $LAB_SUITE "$w/r" "deb $LAB_MIRROR $LAB_SUITE main" "deb $LAB_MIRROR $LAB_SUITE-updates main" "deb $LAB_SECURITY $LAB_SUITE-security main" > "$LAB_CACHE/mmdebstrap.log" 2>&1 || die "mmdebstrap failed: see $LAB_CACHE/mmdebstrap.log"
  say "root file system ($(( $(ms)-t0 )) ms)"
  mkdir -p "$w/r/lib/modules/$V/kernel"; for d in $MODULE_DIRS; do [ -e "$w/k/lib/modules/$V/kernel/$d" ] || continue; mkdir -p "$w/r/lib/modules/$V/kernel/$(dirname "$d")"; cp -r "$w/k/lib/modules/$V/kernel/$d" "$w/r/lib/modules/$V/kernel/$(dirname "$d")/"; done
  cp "$w/k/lib/modules/$V"/modules.{order,builtin*} "$w/r/lib/modules/$V/"; depmod -b "$w/r" "$V"
  guest_init > "$w/r/lab-init"; chmod +x "$w/r/lab-init"
  rm -f "$LAB_CACHE/key" "$LAB_CACHE/key.pub"; ssh-keygen -q -t ed25519 -N '' -C lab -f "$LAB_CACHE/key"
  mkdir -p -m 700 "$w/r/root/.ssh"; cp "$LAB_CACHE/key.pub" "$w/r/root/.ssh/authorized_keys"
  echo "10.0.2.15 $(cut -d' ' -f1,2 "$w/r/etc/ssh/ssh_host_ed25519_key.pub")" | sed 's/^10.0.2.15/lab/' > "$LAB_CACHE/known_hosts"
  echo 'root:*' | chroot "$w/r" chpasswd -e; echo lab > "$w/r/etc/hostname"; printf '127.0.0.1 localhost lab\n10.0.2.2 host\n' > "$w/r/etc/hosts"
  echo "InitiatorName=iqn.1993-08.org.debian:01:lab" > "$w/r/etc/iscsi/initiatorname.iscsi"
  rm -rf "$w/r/var/cache/apt" "$w/r/var/lib/apt/lists"; mkdir -p "$w/r/var/lib/apt/lists" "$w/r/var/cache/apt/archives"
  rm -f "$LAB_CACHE/root.img"; truncate -s 3G "$LAB_CACHE/root.img"; mke2fs -q -F -t ext4 -O ^has_journal,^metadata_csum -E lazy_itable_init=1,root_owner=0:0 -L labroot -d "$w/r" "$LAB_CACHE/root.img"
  echo "$key" > "$LAB_CACHE/stamp"
  rm -rf "$w"; trap - EXIT
  say "built in $(( $(ms)-t0 )) ms: $(du -sh "$LAB_CACHE/root.img" | cut -f1) image"
  if [ -z "${LAB_NO_SNAPSHOT:-}" ]; then cmd_snapshot; fi
}

alive() { [ -s "$LAB_RUN/pid" ] && kill -0 "$(cat "$LAB_RUN/pid")" 2>/dev/null; }
free_port() { python3 -c 'import socket;s=socket.socket();s.bind(("127.0.0.1",0));print(s.getsockname()[1])'; }
qmp() { # qmp JSON... : sends commands over the QMP socket and prints the last reply
  python3 - "$LAB_RUN/qmp" "$@" <<'EOP'
import socket,sys,json
s=socket.socket(socket.AF_UNIX); s.settimeout(60); s.connect(sys.argv[1]); f=s.makefile('rw'); f.readline()
def do(c):
    f.write(c+'\n'); f.flush()
    while True:
        l=f.readline()
        if not l: return None
        r=json.loads(l)
        if 'return' in r or 'error' in r: return r
do('{"execute":"qmp_capabilities"}')
for c in sys.argv[2:]:
    r=do(c)
    if r and 'error' in r: print(json.dumps(r)); sys.exit(1)
print(json.dumps(r) if r else '')
EOP
}
# start_qemu BASEDIR INCOMING: BASEDIR holds root.img and d0.img..; every disk gets a throw-away qcow2 overlay
start_qemu() {
  local incoming=$1 port=$2; shift 2
  local fwd="hostfwd=tcp:127.0.0.1:$port-:22" p
  for p in $LAB_FORWARD; do fwd="$fwd,hostfwd=tcp:127.0.0.1:${p%%:*}-:${p##*:}"; done
  local ro=""; [ -n "${LAB_SHARE_RO:-}" ] && ro=",readonly=on"
  local args=(-name lab -machine "$LAB_MACHINE" -accel "tcg,thread=multi,tb-size=512" -cpu "$LAB_CPU" -smp "$LAB_SMP" -m "$LAB_MEM"
    -nodefaults -no-user-config -display none -no-reboot -daemonize -pidfile "$LAB_RUN/pid"
    -serial "file:$LAB_RUN/console" -qmp "unix:$LAB_RUN/qmp,server=on,wait=off"
    -kernel "$LAB_CACHE/vmlinux" -initrd "$LAB_CACHE/initrd" -append "$KERNEL_ARGS"
    -object rng-random,id=r0,filename=/dev/urandom -device virtio-rng-pci,rng=r0
    -netdev "user,id=n0,$fwd" -device virtio-net-pci,netdev=n0,romfile=
    -fsdev "local,id=f0,path=$LAB_SHARE,security_model=none,multidevs=remap$ro" -device virtio-9p-pci,fsdev=f0,mount_tag=work
    -drive "file=$LAB_RUN/root.qcow2,if=none,id=d0,format=qcow2,cache=unsafe,discard=unmap" -device virtio-blk-pci,drive=d0)
  local i=1 d; for d in $LAB_DISKS; do args+=(-drive "file=$LAB_RUN/d$i.qcow2,if=none,id=d$i,format=qcow2,cache=unsafe,discard=unmap,detect-zeroes=unmap" -device "virtio-blk-pci,drive=d$i,serial=labdisk$i"); i=$((i+1)); done
  [ -n "$incoming" ] && args+=(-incoming "$incoming")
  qemu-system-x86_64 "${args[@]}" "$@"
}
shape() { qemu-system-x86_64 --version | head -1; echo "$LAB_MACHINE $LAB_CPU $LAB_SMP $LAB_MEM $LAB_DISKS $KERNEL_ARGS $(cat "$LAB_CACHE/stamp")"; }
ssh_opts() { echo "-F none -i $LAB_CACHE/key -p $(cat "$LAB_RUN/port") -o UserKnownHostsFile=$LAB_CACHE/known_hosts -o HostKeyAlias=lab -o StrictHostKeyChecking=yes -o LogLevel=ERROR -o ControlMaster=auto -o ControlPath=$LAB_RUN/ssh -o ControlPersist=yes -o KexAlgorithms=curve25519-sha256 -o Compression=no -o ConnectTimeout=30 -o BatchMode=yes"; }
wait_ready() { # cold boot: the console says so
  local n=0; until grep -aq LAB-READY "$LAB_RUN/console" 2>/dev/null; do alive || { tail -20 "$LAB_RUN/console" >&2; die "the VM died"; }; n=$((n+1)); [ $n -lt 1200 ] || return 1; sleep 0.1; done; }
mount_share() { local o="trans=virtio,version=9p2000.L,msize=512000,cache=${LAB_9P_CACHE:-none}"; [ -n "${LAB_SHARE_RO:-}" ] && o="$o,ro"
  ssh $(ssh_opts) root@127.0.0.1 "date -s @$(date +%s.%N) >/dev/null; mount -t 9p -o $o work /host"; }
cold_up() { rm -rf "$LAB_RUN"; mkdir -p "$LAB_RUN"; free_port > "$LAB_RUN/port"
  qemu-img create -q -f qcow2 -F raw -b "$LAB_CACHE/root.img" "$LAB_RUN/root.qcow2"
  local i=1 d; for d in $LAB_DISKS; do qemu-img create -q -f qcow2 "$LAB_RUN/d$i.qcow2" "$d"; i=$((i+1)); done
  start_qemu "" "$(cat "$LAB_RUN/port")"; wait_ready; }
cmd_snapshot() { # boot once, save RAM and disks just after boot
  local t0; t0=$(ms); local S="$LAB_CACHE/state"; rm -rf "$S" "$S.new"
  ( LAB_RUN="$LAB_CACHE/state.new"; LAB_FORWARD=""; cold_up; 
    ssh $(ssh_opts) root@127.0.0.1 'sync; iscsiadm --version >/dev/null; lvm version >/dev/null; python3 -c "import os_brick.initiator.connector" 2>/dev/null; echo 1 > /proc/sys/vm/compact_memory; true'
    ssh $(ssh_opts) -O exit root@127.0.0.1 2>/dev/null || true
    qmp '{"execute":"stop"}' '{"execute":"migrate-set-parameters","arguments":{"max-bandwidth":10000000000}}' "{\"execute\":\"migrate\",\"arguments\":{\"uri\":\"exec:cat > $LAB_RUN/ram\"}}" >/dev/null
    until qmp '{"execute":"query-migrate"}' | grep -q '"status": "completed"'; do sleep 0.2; done
    qmp '{"execute":"quit"}' >/dev/null || true; n=0; while alive && [ $n -lt 50 ]; do sleep 0.1; n=$((n+1)); done
    shape > "$LAB_RUN/shape"; rm -f "$LAB_RUN"/{pid,qmp,ssh,port,console} )
  mv "$S.new" "$S"; say "saved the booted state in $(( $(ms)-t0 )) ms: $(du -sh "$S" | cut -f1)"; }
warm_up() { local S="$LAB_CACHE/state"; rm -rf "$LAB_RUN"; mkdir -p "$LAB_RUN"; free_port > "$LAB_RUN/port"
  qemu-img create -q -f qcow2 -F qcow2 -b "$S/root.qcow2" "$LAB_RUN/root.qcow2"
  local i=1 d; for d in $LAB_DISKS; do qemu-img create -q -f qcow2 -F qcow2 -b "$S/d$i.qcow2" "$LAB_RUN/d$i.qcow2"; i=$((i+1)); done
  start_qemu "exec:cat $S/ram" "$(cat "$LAB_RUN/port")"
  # it was saved while stopped, so it arrives stopped: let it go once everything is in
  local n=0; while qmp '{"execute":"query-status"}' | grep -q inmigrate; do alive || return 1; n=$((n+1)); [ $n -lt 300 ] || return 1; sleep 0.1; done
  qmp '{"execute":"cont"}' >/dev/null; }
cmd_up() {
  alive && { say "already up"; return 0; }
  cmd_build
  local t0 how=warm try; t0=$(ms)
  for try in 1 2 3; do
    if [ -z "${LAB_NO_SNAPSHOT:-}" ] && [ -s "$LAB_CACHE/state/ram" ] && [ "$(shape)" = "$(cat "$LAB_CACHE/state/shape")" ] && [ $try = 1 ]; then warm_up || { cmd_down; continue; }; else how=cold; cold_up || { cmd_down; continue; }; fi
    if mount_share; then say "up ($how, try $try) in $(( $(ms)-t0 )) ms"; return 0; fi
    say "try $try failed"; cmd_down
  done
  die "the VM does not come up: see $LAB_RUN/console"
}
cmd_run() { alive || die "not up"; ssh $(ssh_opts) root@127.0.0.1 "cd /host && $*" ; }
cmd_down() {
  [ -s "$LAB_RUN/port" ] && [ -S "$LAB_RUN/ssh" ] && ssh $(ssh_opts) -O exit root@127.0.0.1 2>/dev/null || true
  if alive; then local p; p=$(cat "$LAB_RUN/pid"); qmp '{"execute":"quit"}' >/dev/null 2>&1 || true; local n=0; while kill -0 "$p" 2>/dev/null; do n=$((n+1)); [ $n = 30 ] && kill -9 "$p" 2>/dev/null; sleep 0.1; [ $n -gt 60 ] && break; done; fi
  rm -f "$LAB_RUN"/{pid,qmp,ssh,port} "$LAB_RUN"/*.qcow2; return 0; }

case "${1:-}" in
  build) cmd_build ;; build-alone) build_alone ;; up) cmd_up ;; run) shift; cmd_run "$@" ;; down) cmd_down ;; snapshot) cmd_snapshot ;;
  status) if alive; then echo "up pid=$(cat "$LAB_RUN/pid") ssh=127.0.0.1:$(cat "$LAB_RUN/port")"; else echo down; exit 1; fi ;;
  ssh) ssh_opts | tr ' ' '\n'; echo root@127.0.0.1 ;;
  console) cat "$LAB_RUN/console" ;;
  *) sed -n '2,17p' "$0"; exit 2 ;;
esac
