/**
 * POSIX shell of the connector: `sh -c script sh VERB METHOD FOLDER POOL IMAGE USER CONF`; standard input is
 * `attachmentInput`. The last line is the result: `device PATH`, `bytes N`, `gone`, `busy`, or `fail KIND` and a
 * message. METHOD is `kernel` (`rbd map`), `nbd` (rbd-nbd), `fuse` (a file that qemu-storage-daemon serves) or `auto`.
 * Each attachment has a folder of its own, so that any later process finds it.
 */
export const connectorScript = `
set -u
verb=$1 method=$2 folder=$3 pool=$4 image=$5 user=$6 hostconf=$7
here=$folder/$pool-$image
disk=$here/disk
pidfile=$here/pid
conf=$here/ceph.conf
umask 077

give() { printf '%s\\n' "$*"; exit 0; }
fail() { kind=$1; shift; printf 'fail %s %s\\n' "$kind" "$*"; exit 0; }
said() {
  text=$(tr '\\n' ' ' <"$here/said" 2>/dev/null | tail -c 1500)
  case $text in
    *'No such file'*|*'(2)'*) fail not-found "$text" ;;
    *'not permitted'*|*'ermission denied'*|*'(1)'*|*'(13)'*) fail invalid "$text" ;;
    *'imed out'*|*'(110)'*|*'annot connect'*) fail unavailable "$text" ;;
    *) fail failed "$text" ;;
  esac
}
alive() { [ -s "$pidfile" ] && grep -qaF -- "$disk" "/proc/$(cat "$pidfile")/cmdline" 2>/dev/null; }
mounted() { grep -qF " $disk fuse" /proc/mounts; }
mapped() { # prints the block device of this attachment, if it has one
  [ -s "$here/device" ] && device=$(cat "$here/device") && [ -b "$device" ] && printf %s "$device"
}
has_kernel() { [ -d /sys/bus/rbd ] || modprobe -q rbd 2>/dev/null; }
has_nbd() { command -v rbd-nbd >/dev/null && { [ -d /sys/module/nbd ] || modprobe -q nbd 2>/dev/null; }; }

write_conf() {
  sed -n '1,/^--keyring--$/{/^--keyring--$/!p;}' <"$here/input" >"$conf.given"
  sed '1,/^--keyring--$/d' <"$here/input" >"$here/keyring"
  rm -f "$here/input"
  if [ -s "$here/keyring" ]; then { cat "$conf.given"; echo "keyring = $here/keyring"; } >"$conf"
  elif [ -n "$hostconf" ]; then
    [ -r "$hostconf" ] || fail invalid "$hostconf cannot be read on this host"
    { cat "$hostconf"; printf '\\n[global]\\n'; grep timeout "$conf.given"; } >"$conf"
  else mv "$conf.given" "$conf"; fi
  rm -f "$conf.given"
}
forget() { rm -rf "$here"; }

start_fuse() {
  command -v qemu-storage-daemon >/dev/null || { forget; fail unsupported 'install the package qemu-system-common'; }
  alive && kill "$(cat "$pidfile")"
  mounted && umount -l "$disk"
  rm -f "$disk" "$pidfile"
  : >"$disk"
  # The lock of this script must not pass on to what outlives it.
  if ! timeout 60 qemu-storage-daemon --daemonize --pidfile "$pidfile" \\
    --blockdev "driver=rbd,node-name=disk,pool=$pool,image=$image,user=$user,conf=$conf,discard=unmap" \\
    --export "type=fuse,id=disk,node-name=disk,mountpoint=$disk,writable=on" 9>&- >"$here/said" 2>&1 </dev/null
  then mounted && umount -l "$disk"; (said) >"$folder/.end.$$"; forget; cat "$folder/.end.$$"; rm -f "$folder/.end.$$"; exit 0
  fi
}
attach_block() { # command words that map and print the device
  if timeout 60 "$@" >"$here/device.part" 2>"$here/said" 9>&-
  then mv "$here/device.part" "$here/device"; give device "$(cat "$here/device")"
  else (said) >"$folder/.end.$$"; forget; cat "$folder/.end.$$"; rm -f "$folder/.end.$$"; exit 0; fi
}

mkdir -p "$folder" || fail invalid "$folder cannot be made"
exec 9>"$folder/.lock.$pool-$image"
flock 9
case $verb in
attach)
  device=$(mapped) && give device "$device"
  alive && mounted && stat "$disk" >/dev/null 2>&1 && give device "$disk"
  mkdir -p "$here" && cat >"$here/input" && write_conf
  case $method in auto) if has_kernel; then method=kernel; elif has_nbd; then method=nbd; else method=fuse; fi ;; esac
  case $method in
    kernel) attach_block rbd -c "$conf" --id "$user" device map "$pool/$image" ;;
    nbd) attach_block rbd-nbd -c "$conf" --id "$user" map "$pool/$image" ;;
    fuse) start_fuse; give device "$disk" ;;
  esac ;;
extend)
  if device=$(mapped); then give bytes "$(blockdev --getsize64 "$device")"; fi
  alive && mounted || fail not-found "$pool/$image is not attached"
  size=$(timeout 60 qemu-img info -U --output=json "rbd:$pool/$image:id=$user:conf=$(printf %s "$conf" | sed 's/[:@=\\\\]/\\\\&/g')" 2>"$here/said" |
    sed -n 's/^ *"virtual-size": \\([0-9]*\\).*/\\1/p') && [ -n "$size" ] || said
  [ "$(stat -c %s "$disk")" -ge "$size" ] || truncate -s "$size" "$disk" 2>"$here/said" || said
  give bytes "$size" ;;
detach)
  [ -d "$here" ] || give gone
  if device=$(mapped); then
    sync "$device"
    case $device in
      */nbd*) rbd-nbd unmap "$device" ;;
      *) rbd device unmap "$device" ;;
    esac >"$here/said" 2>&1 || { grep -qi busy "$here/said" && give busy; said; }
    forget; give gone
  fi
  if mounted; then
    alive && sync "$disk"
    umount "$disk" 2>"$here/said" || fusermount3 -u "$disk" 2>>"$here/said" ||
      { alive && grep -qiE 'busy' "$here/said" && give busy; umount -l "$disk"; }
  fi
  if alive; then
    pid=$(cat "$pidfile")
    kill "$pid"
    tries=0
    while [ -d "/proc/$pid" ] && alive && [ $tries -lt 300 ]; do sleep 0.1; tries=$((tries + 1)); done
    alive && fail unavailable "process $pid does not end: its storage does not answer"
  fi
  forget
  give gone ;;
esac
`

/** Returns the standard input of `attach`: lines of ceph.conf's `[global]`, then the connection's keyring, if any. */
export function attachmentInput(settings: Record<string, string>, keyring: string | null): string {
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`)
  return `[global]\n${lines.join('\n')}\n--keyring--\n${keyring ?? ''}`
}
