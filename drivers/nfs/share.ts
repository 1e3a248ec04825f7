import { DriverError, type DriverLog, isDriverError, openGate, type RunResult } from '@hearth/driver'
import { lockFolder, type MountSettings, mountPoint, mountShare, newToken } from './mount.ts'
import { exitCodes, onShare, runScript, type ScriptRun } from './script.ts'

/** One run of a script on a share: it starts in the share's folder, with its arguments as `$1` and so on. */
export interface ShareScriptRun extends Omit<ScriptRun, 'seconds'> {
  /** True for copies: `copySeconds` limits them, and they end early when the share stops responding. */
  long?: boolean
  token?: string
}

export interface Share {
  /** `host:/export`. */
  name: string
  /** For `mount -o`. */
  options: string | null
  /** Folder where it is mounted. */
  path: string
  /**
   * Runs a script, after mounting the share if needed. A function is called for its script just before the run starts.
   * Throws `unavailable` at once while the share is known to be down, and after a time-out when it stops responding.
   */
  run(given: ShareScriptRun | (() => ShareScriptRun)): Promise<RunResult>
  /** Why the share is down; null while it is not known to be down. */
  downReason(): string | null
}

export interface ShareSettings extends MountSettings {
  commandSeconds: number
  copySeconds: number
  /** Wait before a share that is down is tried again; doubled after each failure, up to `retryMaxSeconds`. */
  retrySeconds: number
  retryMaxSeconds: number
  log: DriverLog
}

/** Scripts at once on one share, so that a slow share does not occupy all sessions of the storage host. */
const scriptsAtOnce = 8
const stale = /stale file handle/i
/** A read-only share is not down: its files can still be read. */
const readOnly = /read-only file system/i

/** Opens a share and tracks whether it is down. Mounts nothing yet. */
export function openShare(given: { share: string; options?: string }, settings: ShareSettings): Share {
  const name = given.share
  const mount = { name, options: given.options ?? null, path: mountPoint(settings.mountBase, name) }
  const health = openHealth(name, settings)
  const enter = openGate(scriptsAtOnce)
  const once = (given: ShareScriptRun) => runOnShare(mount.path, given, settings)
  const runMounted = async (given: ShareScriptRun): Promise<RunResult> => {
    const result = await once(given).catch(async (error: unknown) => {
      if (!isDriverError(error) || !stale.test(error.message)) throw error
      await mountShare(settings, mount, true)
      return once(given)
    })
    if (result.exitCode !== exitCodes.notMounted) return result
    await mountShare(settings, mount)
    const again = await once(given)
    if (again.exitCode !== exitCodes.notMounted) return again
    throw new DriverError('unavailable', `${name} was unmounted again at ${mount.path}`)
  }
  return {
    ...mount,
    downReason: () => health.downReason(),
    run: (given) =>
      enter(async () => {
        health.check()
        const scriptRun = typeof given === 'function' ? given() : given
        const result = await runMounted(scriptRun).catch((error: unknown) => {
          const down = isDriverError(error) && error.kind === 'unavailable' && !readOnly.test(error.message)
          if (down) health.failed(error.message)
          throw error
        })
        health.succeeded()
        if (result.exitCode !== exitCodes.locked) return result
        throw new DriverError('busy', `${name}: ${scriptRun.what}: another process still works on this volume`)
      }),
  }
}

async function runOnShare(path: string, given: ShareScriptRun, settings: ShareSettings): Promise<RunResult> {
  const { mountBase, commandSeconds, copySeconds } = settings
  const { long = false, token = newToken(), script, args, what, signal } = given
  const whole: ScriptRun = {
    ...given,
    what: `${path}: ${what}`,
    script: onShare + script,
    args: [path, lockFolder(mountBase), token, ...args],
    seconds: long ? copySeconds : commandSeconds,
  }
  if (!long) return runScript(settings, whole)
  const silent = new AbortController()
  const watch = watchShare(path, settings, () => silent.abort())
  const either = signal ? AbortSignal.any([signal, silent.signal]) : silent.signal
  try {
    return await runScript(settings, { ...whole, signal: either })
  } catch (error) {
    if (!silent.signal.aborted || signal?.aborted) throw error
    await endProcesses(settings, token)
    throw new DriverError('unavailable', `${path}: ${what}: the share no longer responds`, error)
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

/**
 * On another host, the script's processes outlive its session and would still lock its volumes when the share is back.
 */
async function endProcesses(settings: ShareSettings, token: string): Promise<void> {
  const args = [lockFolder(settings.mountBase), token]
  const ending = { what: 'ending a copy', script: endScript, args, seconds: settings.commandSeconds }
  await runScript(settings, ending).catch(() => undefined)
}

/** Checks every `commandSeconds` that the share responds, and calls `silent` when it does not. */
function watchShare(path: string, settings: ShareSettings, silent: () => void): NodeJS.Timeout {
  const seconds = settings.commandSeconds
  const ask = () =>
    runScript(settings, { what: path, script: 'stat -f -- "$1" >/dev/null', args: [path], seconds }).catch(
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
    downReason: () => why,
    check() {
      const wait = retryAt - performance.now()
      if (why === null || wait <= 0) return
      const when = `it is tried again in ${Math.ceil(wait / 1000)} s`
      throw new DriverError('unavailable', `The share ${name} is down and ${when}: ${why}`)
    },
    failed(reason: string) {
      if (why === null) log.warn({ share: name, reason }, 'a share is down')
      why = reason
      // Scripts that were running when the share went down report the same failure: it counts once.
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
