/**
 * Script of the connector on the attaching host, one shell for each operation. Arguments: the verb, then portal, target
 * and LUN of each path; secrets come by standard input. Prints lines of words separated by tabs: `device` with a kernel
 * name, `map` with a multipath map, `fail` with iscsiadm's exit code (see its man page) and last words, `busy` with a
 * reason, `bytes` with a size.
 */
export const connectorScript = `
verb=$1; shift
exec 3>&1 >&2
answer() { printf '%s\\t%s\\t%s\\n' "$@" >&3; }

# session PORTAL TARGET: sets sid and folder of the session, if there is one.
session() {
  sid=; folder=
  address=\${1%:*}; address=\${address#[}; address=\${address%]}; port=\${1##*:}
  for one in /sys/class/iscsi_session/session*; do
    [ -e "$one/targetname" ] && read -r name < "$one/targetname" && [ "$name" = "$2" ] || continue
    for connection in "$one"/device/connection*/iscsi_connection/connection*; do
      [ -e "$connection/persistent_port" ] || continue
      read -r at < "$connection/persistent_address" && read -r on < "$connection/persistent_port" || continue
      if [ "$at" = "$address" ] && [ "$on" = "$port" ]; then sid=\${one##*/session}; folder=$one/device; return 0; fi
    done
  done
  return 1
}
# disk LUN: sets disk to the session's kernel name of that unit.
disk() {
  disk=
  for one in "$folder"/target*/*:"$1"/block/*; do [ -e "$one" ] && disk=\${one##*/} && return 0; done
  return 1
}
# map DISK: sets map to the multipath map that stands on the disk.
map() {
  map=
  for one in "/sys/block/$1"/holders/*; do
    [ -e "$one/dm/uuid" ] && read -r uuid < "$one/dm/uuid" || continue
    case $uuid in mpath-*) map=\${one##*/}; read -r title < "$one/dm/name"; return 0 ;; esac
  done
  return 1
}
# patiently TENTHS COMMAND...: until it succeeds.
patiently() {
  left=$1; shift
  until "$@"; do left=$((left - 1)); [ $left -gt 0 ] || return 1; sleep 0.1; done
}
# Daemons keep what they inherit open: ssh would wait for them for ever.
daemons() {
  [ -e /run/iscsid.pid ] && read -r process < /run/iscsid.pid && [ -e "/proc/$process/comm" ] &&
    read -r name < "/proc/$process/comm" && [ "$name" = iscsid ] && return
  pgrep -x iscsid >/dev/null && return
  modprobe iscsi_tcp 2>/dev/null
  if [ -d /run/systemd/system ]; then systemctl start iscsid; else iscsid </dev/null >/dev/null 2>&1 3>&-; fi
}
node() { iscsiadm -m node -T "$target" -p "$portal" "$@" 2>&1; }
# record: makes the node record, passwords and patience in it. They are written into its file: as arguments of
# iscsiadm every user of the host could read them.
record() {
  said=$(node -o new --interface default) || return
  for file in "/etc/iscsi/nodes/$target/$address,$port"* "/var/lib/iscsi/nodes/$target/$address,$port"*; do
    [ -f "$file" ] || { file=$file/default; [ -f "$file" ] || continue; }
    text=$(grep -vE '^node.(session.(auth.(authmethod|username|password)( |_)|scan|initial_login_retry_max|timeo.replacement)|conn.0..timeo.(login|noop_out)|startup)|^# END' "$file")
    umask 077
    printf '%s\\n%s\\n# END RECORD\\n' "$text" "$settings" > "$file"
    return 0
  done
  said='the node record is not to be found'
  return 6
}
login() {
  session "$portal" "$target" && return 0
  record || return
  said=$(node --login)
  code=$?
  # 15: there is a session already.
  [ $code = 15 ] && code=0
  [ $code = 0 ] || node -o delete >/dev/null
  return $code
}
scan() {
  for host in /sys/class/iscsi_host/host*; do
    [ -e "$host/device/session$sid" ] && echo "- - $1" > "/sys/class/scsi_host/\${host##*/}/scan"
  done
}
# settings: what goes into node records. iscsid does not try a failed login again, which would take seconds: its portal
# may be gone for long, and there may be others. Whether it is worth another try attach knows.
settings() {
  IFS= read -r username; IFS= read -r password; IFS= read -r replacement
  settings="node.startup = manual
node.session.scan = manual
node.session.initial_login_retry_max = 0
node.session.timeo.replacement_timeout = $replacement
node.conn[0].timeo.login_timeout = 10
node.conn[0].timeo.noop_out_interval = 5
node.conn[0].timeo.noop_out_timeout = 5"
  [ -z "$username" ] && return
  settings="$settings
node.session.auth.authmethod = CHAP
node.session.auth.username = $username
node.session.auth.password = $password"
}
multipathed() {
  [ -S /run/multipathd.socket ] || pgrep -x multipathd >/dev/null || { modprobe dm-multipath; multipathd </dev/null >/dev/null 2>&1 3>&-; }
  udevadm settle -t 10
  multipath -a "/dev/$1" >/dev/null 2>&1
  multipathd add path "$1" >/dev/null 2>&1
  # The kernel has the map before udev has made its node.
  map "$1" && [ -b "/dev/mapper/$title" ]
}
# paths LAST PORTAL TARGET LUN...: logs in and finds the disks. Unless it is the last try, again has what could not be
# logged in to for another reason than its credentials.
paths() {
  last=$1 again=
  shift
  while [ $# -ge 3 ]; do
    portal=$1 target=$2 lun=$3
    shift 3
    login || {
      code=$?
      [ $code = 24 ] || [ "$last" = 1 ] || { again="$again $portal $target $lun"; continue; }
      answer fail $code "$portal: $(printf %s "$said" | tail -n 1)"
      continue
    }
    session "$portal" "$target" || { answer fail 8 "$portal: the session ended"; continue; }
    disk "$lun" || scan "$lun"
    patiently 200 disk "$lun" || { answer fail 21 "$portal: the target shows no LUN $lun"; continue; }
    answer device "$disk" "$portal"
    found="$found $disk"
    [ "$several" = 1 ] || break
  done
}
attach() {
  several=$1; shift
  settings
  daemons
  found=
  paths 0 "$@"
  # A busy target lets logins go before it answers them: that is no word about the credentials, and a map would have
  # fewer paths than it has for as long as the volume is attached.
  [ "$several" = 0 ] && [ -n "$found" ] && return
  [ -z "$again" ] || paths 1 $again
  [ "$several" = 1 ] && [ -n "$found" ] || return 0
  for one in $found; do multipathed "$one"; done
  for one in $found; do patiently 100 multipathed "$one" && answer map "$title" "$one" && return; done
}
# each COMMAND: for every path that is there, with portal, target, lun and disk set.
each() {
  command=$1; shift
  while [ $# -ge 3 ]; do
    portal=$1 target=$2 lun=$3
    shift 3
    session "$portal" "$target" && disk "$lun" && "$command"
  done
}
show() { answer device "$disk" "$portal"; map "$disk" && answer map "$title" "$disk"; }
grow() { echo 1 > "/sys/block/$disk/device/rescan"; map "$disk" && maps=$title maps_disk=$map; disks="$disks $disk"; }
extend() {
  maps=; disks=
  each grow "$@"
  [ -n "$disks" ] || return 0
  if [ -n "$maps" ]; then
    multipathd resize map "$maps" >/dev/null 2>&1
    size "$maps_disk"
  else
    size $disks
  fi
}
size() { read -r sectors < "/sys/block/$1/size"; answer bytes $((sectors * 512)) "$1"; }
# user NAME: sets use to what uses the block device or one of its partitions. Starts few processes.
user() {
  case $1 in *[0-9]) part=p ;; *) part= ;; esac
  numbers=
  for dev in "/sys/block/$1/dev" "/sys/block/$1/$1"*/dev; do
    [ -e "$dev" ] && read -r number < "$dev" && numbers="$numbers|$number"
  done
  grep -qsE "^[0-9]+ [0-9]+ (\${numbers#|}) " /proc/[0-9]*/mountinfo && use='it is mounted' && return
  for holder in "/sys/block/$1"/holders/* "/sys/block/$1/$1"*/holders/*; do
    [ -e "$holder" ] && use="\${holder##*/} stands on it" && return
  done
  while read -r file _; do
    ours "$1" "$file" && use='it is swapped to' && return
  done < /proc/swaps
  for loop in /sys/block/loop*/loop/backing_file; do
    [ -e "$loop" ] && read -r file < "$loop" && ours "$1" "$file" && use='a loop device stands on it' && return
  done
  for one in $(find /proc/[0-9]*/fd -regex '.*/[0-9]+' -lname "/dev/$1*" -printf '%h=%l\\n' 2>/dev/null); do
    ours "$1" "\${one#*=}" || continue
    process=\${one#/proc/}; process=\${process%%/*}
    read -r name < "/proc/$process/comm" || continue
    case $name in multipathd | systemd-udevd | '(udev-worker)') continue ;; esac
    use="process $process ($name) has it open"
    return 0
  done
  return 1
} 2>/dev/null
# ours NAME FILE: the file is the block device, or one of its partitions, of whose names part parts the number.
ours() {
  case $2 in
    "/dev/$1") return 0 ;;
    "/dev/$1$part"[0-9]*) case \${2#"/dev/$1$part"} in *[!0-9]*) return 1 ;; esac ;;
    *) return 1 ;;
  esac
}
free() { ! user "$1"; }
# let_go NAME: not used, and what was written to it lies on the storage. Probes of udev take a moment. A device whose
# target is lost can never be flushed: that is told once, and the next time it is let go.
let_go() {
  patiently 3 free "$1" || { answer busy "$1" "$use"; return 1; }
  told=/run/hearth-unflushed-$1-$sid
  timeout 300 sync "/dev/$1" && { [ ! -e "$told" ] || rm -f "$told"; return 0; }
  [ -e "$told" ] && { rm -f "$told"; return 0; }
  : > "$told"
  answer fail 1 "/dev/$1 could not be flushed: what was written last may be lost; detaching once more lets it go"
  return 1
}
collect() { disks="$disks $disk"; map "$disk" && maps=$map && titles=$title; }
gather() { paths="$paths $portal $target"; }
detach() {
  disks=; maps=; titles=
  each collect "$@"
  if [ -n "$maps" ]; then
    let_go "$maps" || return
    patiently 50 flush || { answer busy "$maps" 'its multipath map does not go'; return; }
  else
    for one in $disks; do let_go "$one" || return; done
  fi
  for one in $disks; do echo 1 > "/sys/block/$one/device/delete"; done
  logout "$@"
}
# flush: takes the map away. A probe of udev may have it open for a moment.
flush() {
  multipath -f "$titles" >/dev/null 2>&1
  for one in $disks; do map "$one" && return 1; done
  return 0
}
gone() { ! session "$portal" "$target"; }
others() { for one in "$folder"/target*/*:*/block; do [ -e "$one" ] && return 0; done; return 1; }
logout() {
  while [ $# -ge 3 ]; do
    portal=$1 target=$2
    shift 3
    address=\${portal%:*}; address=\${address#[}; address=\${address%]}; port=\${portal##*:}
    if session "$portal" "$target"; then
      others && continue
      said=$(node --logout) || answer fail $? "$portal: $(printf %s "$said" | tail -n 1)"
      patiently 50 gone
    fi
    [ -e "/etc/iscsi/nodes/$target" ] || [ -e "/var/lib/iscsi/nodes/$target" ] || continue
    node -o delete >/dev/null
  done
}
case $verb in
  attach) attach "$@" ;;
  show) each show "$@" ;;
  extend) extend "$@" ;;
  detach) detach "$@" ;;
esac
exit 0
`
