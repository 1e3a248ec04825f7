import { DriverError, type DriverErrorKind, isDriverError, type Runner, type RunResult } from '@hearth/driver'

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
export const answers = { notMounted: 90, locked: 91, changed: 93, exists: 94, stopped: 95 }

const timedOut = [124, 137]
const anyCode = Array.from({ length: 255 }, (_, code) => code)
/** Of the runner beyond the deed's own time: the host may be slow to begin it. */
const graceSeconds = 10
const noRoom: DriverErrorKind = 'no-space'

/**
 * Runs a deed with a time-out that ends all its processes, so that a share whose server is silent holds nobody for longer.
 * Answers with exit code 0 or one of `answers`; throws DriverError otherwise.
 */
export async function runDeed(run: Runner, deed: Deed): Promise<RunResult> {
  const { what, script, args, seconds, signal, input } = deed
  const argv = ['timeout', '-k', '2', String(seconds), 'sh', '-c', script, 'sh', ...args.map(String)]
  const options = { timeout: (seconds + graceSeconds) * 1000, allow: anyCode }
  const result = await run(argv, { ...options, ...(signal ? { signal } : {}), ...(input ? { input } : {}) }).catch(
    (error: unknown) => {
      if (isDriverError(error)) throw new DriverError(error.kind, `${what}: ${ending(error.kind)}`, error)
      throw error
    },
  )
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
  if (/read-only file system|stale file handle|input\/output error|host is down/i.test(said)) return 'unavailable'
  return /failed to get .*lock|another process using/i.test(said) ? 'busy' : 'failed'
}

/** The first lines of every script on a share: go there if it is mounted, and what the others are written in. */
export const onShare = `set -eu
umask 007
dir=$1 locks=$2 token=$3
shift 3
part=
mounted() {
  while read -r _ at kind _; do
    [ "$at" != "$dir" ] || case $kind in nfs|nfs4) return 0 ;; esac
  done </proc/self/mounts
  return 1
}
mounted || exit ${answers.notMounted}
cd -- "$dir"
trap '[ -z "$part" ] || rm -f -- "$part"' EXIT
trap 'exit 143' INT TERM HUP
# Scripts of a process that died may still run: a volume has one at a time that changes it.
own() {
  while :; do
    exec 9>>"$locks/$1"
    flock -w 20 9 || exit ${answers.locked}
    [ ! /proc/self/fd/9 -ef "$locks/$1" ] || break
  done
  rm -f -- ".part-$1".*
}
hold() {
  [ -e "$locks/$1" ] || return 0
  exec 8<"$locks/$1"
  flock -s -w 20 8 || exit ${answers.locked}
}
# A share that was taken away looks empty: nothing is absent on one that does not answer.
answering() { stat -f . >/dev/null; }
unchanged() { [ "$(cat "$1.info" 2>/dev/null || :)" = "$2" ] || exit ${answers.changed}; }
# Whole on the server before it gets its name.
settle() {
  chmod 660 "$part"
  sync "$part"
  mv -f -- "$part" "$1"
  part=
  sync .
}
write_info() {
  part=".part-$1.$token"
  printf '%s' "$2" >"$part"
  settle "$1.info"
}
`
