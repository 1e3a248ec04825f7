import { DriverError, type DriverLog, isDriverError, openGate, type RunResult } from '@hearth/driver'
import { answers, type Deed, onShare, runDeed } from './deed.ts'
import { lockFolder, type MountSettings, mountPoint, mountShare, newToken } from './mount.ts'

/** A deed on a share: the script begins in the share's folder, its arguments are `$1` and so on. */
export interface ShareDeed extends Omit<Deed, 'seconds'> {
  /** Copies have as long as they need; a share that falls silent meanwhile ends them. */
  long?: boolean
  token?: string
}

export interface Share {
  /** `host:/export`. */
  name: string
  /** For `mount -o`. */
  options: string | null
  /** Where it is mounted. */
  path: string
  /**
   * Does a deed, mounting the share first where it is not. One given as a function is asked for when its turn comes.
   * Throws `unavailable` at once while the share is known to be down, and after a time-out when it is found so.
   */
  deed(deed: ShareDeed | (() => ShareDeed)): Promise<RunResult>
  /** Why it is down, null while it is up as far as is known. */
  trouble(): string | null
}

export interface ShareSettings extends MountSettings {
  commandSeconds: number
  copySeconds: number
  /** A share that was found down is asked again after so long, then after twice as long, up to `retryMaxSeconds`. */
  retrySeconds: number
  retryMaxSeconds: number
  log: DriverLog
}

/** Of one share, so that a slow one does not hold all sessions of the storage host. */
const deedsAtOnce = 8
const stale = /stale file handle/i
/** What is there can still be read. */
const readOnly = /read-only file system/i

export function openShare(given: { share: string; options?: string }, settings: ShareSettings): Share {
  const name = given.share
  const place = { name, options: given.options ?? null, path: mountPoint(settings.mountBase, name) }
  const health = openHealth(name, settings)
  const enter = openGate(deedsAtOnce)
  const once = (deed: ShareDeed) => runOnShare(place.path, deed, settings)
  const mounted = async (deed: ShareDeed): Promise<RunResult> => {
    const result = await once(deed).catch(async (error: unknown) => {
      if (!isDriverError(error) || !stale.test(error.message)) throw error
      await mountShare(settings, place, true)
      return once(deed)
    })
    if (result.exitCode !== answers.notMounted) return result
    await mountShare(settings, place)
    const again = await once(deed)
    if (again.exitCode !== answers.notMounted) return again
    throw new DriverError('unavailable', `${name} was unmounted again at ${place.path}`)
  }
  return {
    ...place,
    trouble: () => health.trouble(),
    deed: (given) =>
      enter(async () => {
        health.check()
        const deed = typeof given === 'function' ? given() : given
        const result = await mounted(deed).catch((error: unknown) => {
          const down = isDriverError(error) && error.kind === 'unavailable' && !readOnly.test(error.message)
          if (down) health.failed(error.message)
          throw error
        })
        health.succeeded()
        if (result.exitCode !== answers.locked) return result
        throw new DriverError('busy', `${name}: ${deed.what}: another process still works on this volume`)
      }),
  }
}

async function runOnShare(path: string, deed: ShareDeed, settings: ShareSettings): Promise<RunResult> {
  const { mountBase, commandSeconds, copySeconds } = settings
  const { long = false, token = newToken(), script, args, what, signal } = deed
  const whole: Deed = {
    ...deed,
    what: `${path}: ${what}`,
    script: onShare + script,
    args: [path, lockFolder(mountBase), token, ...args],
    seconds: long ? copySeconds : commandSeconds,
  }
  if (!long) return runDeed(settings, whole)
  const silent = new AbortController()
  const watch = watchShare(path, settings, () => silent.abort())
  const either = signal ? AbortSignal.any([signal, silent.signal]) : silent.signal
  try {
    return await runDeed(settings, { ...whole, signal: either })
  } catch (error) {
    if (!silent.signal.aborted || signal?.aborted) throw error
    await endProcesses(settings, token)
    throw new DriverError('unavailable', `${path}: ${what}: the share has fallen silent`, error)
  } finally {
    clearInterval(watch)
  }
}

const endScript = `
for file in "$1"/volume-*; do
  [ -e "$file" ] || break
  read -r whose group _ <"$file" || :
  if [ "$whose" = "$2" ] && [ "\${group:-0}" -gt 1 ]; then kill -TERM -- "-$group" || :; fi
done
`

/** On another host the processes of a deed outlive it, and would hold its volumes when the share is back. */
async function endProcesses(settings: ShareSettings, token: string): Promise<void> {
  const args = [lockFolder(settings.mountBase), token]
  const deed = { what: 'ending a copy', script: endScript, args, seconds: settings.commandSeconds }
  await runDeed(settings, deed).catch(() => undefined)
}

/** Asks for a sign of life every now and then. */
function watchShare(path: string, settings: ShareSettings, silent: () => void): NodeJS.Timeout {
  const seconds = settings.commandSeconds
  const ask = () =>
    runDeed(settings, { what: path, script: 'stat -f -- "$1" >/dev/null', args: [path], seconds }).catch(
      (error: unknown) => {
        if (isDriverError(error) && error.kind === 'unavailable') silent()
      },
    )
  return setInterval(() => void ask(), seconds * 1000).unref()
}

function openHealth(name: string, { retrySeconds, retryMaxSeconds, log }: ShareSettings) {
  let failures = 0
  let retryAt = 0
  let why: string | null = null
  return {
    trouble: () => why,
    check() {
      const wait = retryAt - performance.now()
      if (why === null || wait <= 0) return
      const when = `it is asked again in ${Math.ceil(wait / 1000)} s`
      throw new DriverError('unavailable', `The share ${name} is down and ${when}: ${why}`)
    },
    failed(reason: string) {
      if (why === null) log.warn({ share: name, reason }, 'a share is down')
      why = reason
      // Those that were under way when it fell silent tell nothing new.
      if (retryAt > performance.now()) return
      retryAt = performance.now() + 1000 * Math.min(retrySeconds * 2 ** failures, retryMaxSeconds)
      failures += 1
    },
    succeeded() {
      if (why !== null) log.info({ share: name }, 'a share is up again')
      why = null
      failures = 0
      retryAt = 0
    },
  }
}
