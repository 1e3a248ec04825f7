import { type DriverDeps, DriverError, type DriverErrorKind, isDriverError, type RunResult } from '@hearth/driver'

/** Where deeds are done. */
export type Host = Pick<DriverDeps, 'run' | 'remote'>

/** One script on the host that mounts the shares. Its arguments are never part of it. */
export interface Deed {
  /** In words, for errors. */
  what: string
  script: string
  args: (string | number)[]
  /** Killed after it. */
  seconds: number
  signal?: AbortSignal | undefined
  /** Its standard input. */
  input?: string
}

/** Exit codes of our scripts that are answers. */
export const answers = { notMounted: 90, locked: 91, absent: 92, changed: 93, exists: 94, stopped: 95 }

const timedOut = [124, 137]
const anyCode = Array.from({ length: 255 }, (_, code) => code)
/** Of the runner beyond the deed's own time: the host may be slow to begin it. */
const graceSeconds = 10
const noRoom: DriverErrorKind = 'no-space'
const away =
  /read-only file system|stale file handle|input\/output error|host is down|can't cd to|cannot read file system/i

/**
 * Runs a deed with a time-out that ends all its processes, so that a share whose server is silent holds nobody for longer.
 * Answers with exit code 0 or one of `answers`; throws DriverError otherwise.
 */
export async function runDeed({ run, remote }: Host, deed: Deed): Promise<RunResult> {
  const { what, script, args, seconds, signal, input } = deed
  const shell = ['sh', '-c', script, 'sh', ...args.map(String)]
  // On another host the runner itself puts timeout(1) before the command.
  const argv = remote ? shell : ['timeout', '-k', '2', String(seconds), ...shell]
  const timeout = (remote ? seconds : seconds + graceSeconds) * 1000
  const options = { timeout, allow: anyCode, ...(signal ? { signal } : {}), ...(input ? { input } : {}) }
  const result = await run(argv, options).catch((error: unknown) => {
    if (isDriverError(error)) throw new DriverError(error.kind, `${what}: ${ending(error.kind)}`, error)
    throw error
  })
  const { exitCode, stderr } = result
  if (exitCode === 0 || Object.values(answers).includes(exitCode)) return result
  if (timedOut.includes(exitCode)) throw new DriverError('unavailable', `${what}: no answer for ${seconds} s`)
  const said = stderr.trim().slice(-1000)
  throw new DriverError(kindOf(said), `${what}: ${said || `exit code ${exitCode}`}`)
}

/** The runner's own words would quote the whole script. */
function ending(kind: DriverErrorKind): string {
  if (kind === 'aborted') return 'aborted'
  if (kind === 'unavailable') return 'the storage host does not answer'
  return kind === 'unsupported' ? 'the storage host lacks a command' : 'the command cannot be run'
}

function kindOf(said: string): DriverErrorKind {
  if (/no space left on device|disk quota exceeded/i.test(said)) return noRoom
  if (away.test(said)) return 'unavailable'
  return /failed to get .*lock|another process using/i.test(said) ? 'busy' : 'failed'
}

/** Of scripts: whether a share is mounted at `$dir`. */
export const mounted = `mounted() {
  while read -r _ at kind _; do
    [ "$at" != "$dir" ] || case $kind in nfs|nfs4) return 0 ;; esac
  done </proc/self/mounts
  return 1
}`

/**
 * The first lines of every script on a share: go there if it is mounted, and what the others are written in. Starting a
 * process is most of what a script costs, so they do by the shell's own commands what can be done so. Operations on
 * folders are on the server's storage when they return, as NFS has it: only what was written to a file is to be synced.
 *
 * A volume has a lock file: `<token of the last deed that changed it> <its process group, 0 when it has ended> <whether it
 * made the volume>`. Who finds the same ended deed before and after looking has seen nothing half-changed.
 */
export const onShare = `set -eu
umask 007
dir=$1 locks=$2 token=$3
shift 3
part= owned= made=no
newline='
'
${mounted}
mounted || exit ${answers.notMounted}
# The shell does not say why it cannot go somewhere.
if ! cd -- "$dir" 2>/dev/null; then
  stat -f -- "$dir" >/dev/null
  cd -- "$dir"
fi
tidy() {
  [ -z "$part" ] || rm -f -- "$part"
  [ -z "$owned" ] || echo "$token 0 $made" >"$locks/$owned"
}
trap tidy EXIT
trap 'exit 143' INT TERM HUP
lock() {
  while :; do
    exec 9>>"$locks/$1"
    flock -w 20 9 || exit ${answers.locked}
    [ ! /proc/self/fd/9 -ef "$locks/$1" ] || break
  done
}
# Scripts of a process that died may still run: a volume has one at a time that changes it. timeout(1), our parent, leads
# the process group.
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
  flock -s -w 20 8 || exit ${answers.locked}
}
# A share that was taken away looks empty: nothing is absent on one that does not answer.
answering() { stat -f . >/dev/null; }
unchanged() {
  text= line=
  if [ -e "$1.info" ]; then
    while IFS= read -r line; do text=$text$line$newline; done <"$1.info"
    text=$text$line
    while [ "$text" != "\${text%"$newline"}" ]; do text=\${text%"$newline"}; done
  fi
  [ "$text" = "$2" ] || exit ${answers.changed}
}
# Tools keep the mode of a file that is there.
begin() {
  part=".part-$1.$token"
  : >"$part"
}
# Whole on the server before it gets its name.
settle() {
  mv -f -- "$part" "$1"
  part=
}
write_info() {
  begin "$1"
  printf '%s' "$2" >"$part"
  sync "$part"
  settle "$1.info"
}
`
