import { type DriverDeps, DriverError, type DriverErrorKind, isDriverError, type RunResult } from '@hearth/driver'

/** The host that runs the scripts: this one, or a storage host behind the runner. */
export type Host = Pick<DriverDeps, 'run' | 'remote'>

/** One run of a script on the host that mounts the shares. Arguments are passed beside the script, never inside it. */
export interface ScriptRun {
  /** Purpose of the script, for error messages. */
  what: string
  script: string
  args: (string | number)[]
  /** Time limit: the script is killed after it. */
  seconds: number
  signal?: AbortSignal | undefined
  /** Standard input of the script. */
  input?: string
}

/** Exit codes of our scripts that are results, not failures. */
export const exitCodes = { notMounted: 90, locked: 91, absent: 92, changed: 93, exists: 94, stopped: 95 }

const timedOut = [124, 137]
const anyCode = Array.from({ length: 255 }, (_, code) => code)
/** Added to the runner's time limit: the host may be slow to start the script. */
const graceSeconds = 10
const noRoom: DriverErrorKind = 'no-space'
const away =
  /read-only file system|stale file handle|input\/output error|host is down|can't cd to|cannot read file system/i

/**
 * Runs a script with a time limit that ends all its processes, so that a silent NFS server blocks no caller for longer.
 * Returns when the exit code is 0 or one of `exitCodes`; throws DriverError otherwise.
 */
export async function runScript({ run, remote }: Host, scriptRun: ScriptRun): Promise<RunResult> {
  const { what, script, args, seconds, signal, input } = scriptRun
  const shell = ['sh', '-c', script, 'sh', ...args.map(String)]
  // For another host, the runner itself adds timeout(1) before the command.
  const argv = remote ? shell : ['timeout', '-k', '2', String(seconds), ...shell]
  const timeout = (remote ? seconds : seconds + graceSeconds) * 1000
  const options = { timeout, allow: anyCode, ...(signal ? { signal } : {}), ...(input ? { input } : {}) }
  const result = await run(argv, options).catch((error: unknown) => {
    if (isDriverError(error)) throw new DriverError(error.kind, `${what}: ${reasonOf(error.kind)}`, error)
    throw error
  })
  const { exitCode, stderr } = result
  if (exitCode === 0 || Object.values(exitCodes).includes(exitCode)) return result
  if (timedOut.includes(exitCode)) throw new DriverError('unavailable', `${what}: no answer for ${seconds} s`)
  const said = stderr.trim().slice(-1000)
  throw new DriverError(kindOf(said), `${what}: ${said || `exit code ${exitCode}`}`)
}

/** Replaces the runner's own message, which would quote the whole script. */
function reasonOf(kind: DriverErrorKind): string {
  if (kind === 'aborted') return 'aborted'
  if (kind === 'unavailable') return 'the storage host does not answer'
  return kind === 'unsupported' ? 'the storage host lacks a command' : 'the command cannot be run'
}

function kindOf(said: string): DriverErrorKind {
  if (/no space left on device|disk quota exceeded/i.test(said)) return noRoom
  if (away.test(said)) return 'unavailable'
  return /failed to get .*lock|another process using/i.test(said) ? 'busy' : 'failed'
}

/** Shell function for scripts: succeeds when a share is mounted at `$dir`. */
export const mounted = `mounted() {
  while read -r _ at kind _; do
    [ "$at" != "$dir" ] || case $kind in nfs|nfs4) return 0 ;; esac
  done </proc/self/mounts
  return 1
}`

// Lock file of a volume: `<token of the last script that changed it> <its process group, 0: ended> <made it: yes|no>`.
// A reader that finds the same ended token before and after reading has read a consistent state.

/**
 * The first lines of every script on a share: enter its folder if it is mounted, and define the functions that the
 * other scripts use. Most of a script's cost is starting processes, so shell built-ins are used where possible. In NFS,
 * changes of a folder are on the server's storage when they return; only bytes written to a file need a sync.
 */
export const onShare = `set -eu
umask 007
dir=$1 locks=$2 token=$3
shift 3
part= owned= made=no
newline='
'
${mounted}
mounted || exit ${exitCodes.notMounted}
# The shell does not say why cd fails; stat does.
if ! cd -- "$dir" 2>/dev/null; then
  stat -f -- "$dir" >/dev/null
  cd -- "$dir"
fi
cleanup() {
  [ -z "$part" ] || rm -f -- "$part"
  [ -z "$owned" ] || echo "$token 0 $made" >"$locks/$owned"
}
trap cleanup EXIT
trap 'exit 143' INT TERM HUP
lock() {
  while :; do
    exec 9>>"$locks/$1"
    flock -w 20 9 || exit ${exitCodes.locked}
    [ ! /proc/self/fd/9 -ef "$locks/$1" ] || break
  done
}
# Scripts of a dead process may still run, so only one script at a time may change a volume. timeout(1), our parent,
# leads the process group.
own() {
  lock "$1"
  group=0
  read -r _ group _ <"$locks/$1" || :
  [ "\${group:-0}" = 0 ] || rm -f -- ".part-$1".*
  owned=$1
  echo "$token $PPID no" >"$locks/$1"
}
hold() {
  [ -e "$locks/$1" ] || return 0
  exec 8<"$locks/$1"
  flock -s -w 20 8 || exit ${exitCodes.locked}
}
# A share that was unmounted looks empty: before a file is reported as absent, the server must respond.
check_share() { stat -f . >/dev/null; }
unchanged() {
  text= line=
  if [ -e "$1.info" ]; then
    while IFS= read -r line; do text=$text$line$newline; done <"$1.info"
    text=$text$line
    while [ "$text" != "\${text%"$newline"}" ]; do text=\${text%"$newline"}; done
  fi
  [ "$text" = "$2" ] || exit ${exitCodes.changed}
}
# The file is created first, because tools keep the mode of an existing file.
begin() {
  part=".part-$1.$token"
  : >"$part"
}
# Gives the finished file its name; its bytes must be on the server before.
publish() {
  mv -f -- "$part" "$1"
  part=
}
write_info() {
  begin "$1"
  printf '%s' "$2" >"$part"
  sync "$part"
  publish "$1.info"
}
`
