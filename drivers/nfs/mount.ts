import { createHash, randomBytes } from 'node:crypto'
import { DriverError } from '@hearth/driver'
import { exitCodes, type Host, mounted, runScript } from './script.ts'

export const sharePattern = '^(?!-)(\\[[0-9a-fA-F:.%]+\\]|[^\\s:/\\[\\]]+):/[^\\s]*$'
export const optionsPattern = '^[\\w=.,:/@-]+$'
export const folderPattern = '^/[\\w./-]*\\w$'

/** Schema of the options that say where and how shares are mounted. */
export const mountOptions = {
  mountBase: { type: 'string', pattern: folderPattern, description: 'each share is mounted at a folder of this one' },
  mountSeconds: { type: 'number', minimum: 1, default: 30, description: 'a mount that takes longer has failed' },
}

export interface MountSettings extends Host {
  mountBase: string
  mountSeconds: number
}

/** Folder where a share is mounted: the MD5 of the share's name, as in os-brick, so that both find the same mount. */
export function mountPoint(base: string, share: string): string {
  return `${base}/${createHash('md5').update(share).digest('hex')}`
}

/** Folder with the lock files of all volumes below one mount base. */
export function lockFolder(base: string): string {
  return `${base}/.locks`
}

/** A random name for one run of a script: 16 hexadecimal digits. */
export function newToken(): string {
  return randomBytes(8).toString('hex')
}

const mountScript = `set -eu
dir=$1 locks=$2 share=$3 options=$4 stale=$5
${mounted}
[ -d "$locks" ] || mkdir -p -m 700 -- "$locks"
exec 9>>"$locks/mount-\${dir##*/}"
flock -w 60 9 || exit ${exitCodes.locked}
[ -z "$stale" ] || ! mounted || umount -l -- "$dir"
! mounted || exit 0
[ -d "$dir" ] || mkdir -p -- "$dir"
mount -t nfs \${options:+-o "$options"} -- "$share" "$dir" 9>&-
find "$locks" -name '.stop-*' -mmin +1440 -delete
`

/**
 * Mounts the share unless it is mounted. `stale` replaces a mount whose file handles the server no longer accepts.
 * Throws `unavailable`.
 */
export async function mountShare(
  { mountBase, mountSeconds, run, remote = false }: MountSettings,
  share: { name: string; options: string | null },
  stale = false,
): Promise<void> {
  const path = mountPoint(mountBase, share.name)
  const { exitCode } = await runScript(
    { run, remote },
    {
      what: `Mounting ${share.name} at ${path}`,
      script: mountScript,
      args: [path, lockFolder(mountBase), share.name, share.options ?? '', stale ? 'stale' : ''],
      seconds: mountSeconds,
    },
  ).catch((error: unknown) => {
    throw asUnavailable(error)
  })
  if (exitCode !== 0) throw new DriverError('unavailable', `Another process has been mounting ${share.name} for 60 s`)
}

function asUnavailable(error: unknown): unknown {
  if (error instanceof DriverError && error.kind === 'failed') {
    return new DriverError('unavailable', error.message, error)
  }
  return error
}
