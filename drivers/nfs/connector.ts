import {
  type AttachedDevice,
  type ConnectionInfo,
  type ConnectorDriver,
  type DriverDeps,
  DriverError,
  isDriverError,
} from '@hearth/driver'
import { answers, mounted, runDeed } from './deed.ts'
import { folderPattern, lockFolder, mountPoint, newToken, optionsPattern, sharePattern } from './mount.ts'
import { headerBytes, parseQcow2 } from './qcow2.ts'

export const connectorOptions = {
  type: 'object',
  additionalProperties: false,
  properties: {
    mountBase: {
      type: 'string',
      pattern: folderPattern,
      default: '/var/lib/hearth/attached',
      description:
        'shares are mounted below it; none that a volume service mounts at too, since they are unmounted here',
    },
    mountOptions: {
      type: 'string',
      pattern: optionsPattern,
      description: 'for connections without options of their own',
    },
    timeoutSeconds: { type: 'number', minimum: 1, default: 60, description: 'a share that takes longer has failed' },
  },
}

interface Options {
  mountBase: string
  mountOptions?: string
  timeoutSeconds: number
}

/** What a connection leads to, checked. */
interface Place {
  share: string
  file: string
  /** For `mount -o`; empty for none. */
  options: string
  format: 'raw' | 'qcow2'
  mount: string
  path: string
}

/**
 * Uses of a mount are files in `.uses`, one for each attached volume, so that the next process knows them; the last one to
 * go unmounts. A file that a process, or a loop device, holds open is in use whoever opened it.
 */
const prelude = `set -eu
dir=$1 locks=$2 uses=$3 share=$4 file=$5 options=$6 token=$7
${mounted}
[ -d "$locks" ] && [ -d "$uses" ] || mkdir -p -m 700 -- "$locks" "$uses"
exec 9>>"$locks/mount-\${dir##*/}"
flock -w 60 9 || exit ${answers.locked}
leave() {
  for use in "$uses"/*; do [ ! -e "$use" ] || return 0; done
  rmdir -- "$uses" 2>/dev/null || return 0
  ! mounted || umount -- "$dir" || return 0
  rmdir -- "$dir" 2>/dev/null || :
}
`

const attachScript = `${prelude}
trap leave EXIT
trap 'exit 143' INT TERM HUP
[ -d "$dir" ] || mkdir -p -- "$dir"
mounted || mount -t nfs \${options:+-o "$options"} -- "$share" "$dir" 9>&-
[ -f "$dir/$file" ] && [ ! -L "$dir/$file" ] || exit ${answers.exists}
[ -e "$uses/$file" ] || echo "$token" >"$uses/$file"
`

/** With a token, only the use that this token began. */
const detachScript = `${prelude}
if [ ! -e "$uses/$file" ]; then leave; exit 0; fi
read -r user <"$uses/$file" || :
[ -z "$token" ] || [ "$user" = "$token" ] || exit 0
if mounted; then
  if grep -qxF -- "$dir/$file" /sys/block/loop*/loop/backing_file 2>/dev/null; then exit ${answers.changed}; fi
  users=$(find /proc/[0-9]*/fd -lname "$dir/$file" 2>/dev/null || :)
  [ -z "$users" ] || exit ${answers.changed}
  [ ! -e "$dir/$file" ] || sync "$dir/$file"
fi
rm -f -- "$uses/$file"
leave
`

/** Opening a file makes the kernel ask the server for its size again. */
const sizeScript = `set -eu
exec 3<"$1/$2"
stat -L -c %s /proc/self/fd/3
head -c ${headerBytes} <&3 | base64 -w0
`

/** Attaches volumes on NFS as os-brick does: the share is mounted and the file is the device. */
export async function openNfsConnector(given: Record<string, unknown>, deps: DriverDeps): Promise<ConnectorDriver> {
  const options = given as unknown as Options
  const seconds = options.timeoutSeconds
  const deed = (what: string, script: string, place: Place, token: string, signal?: AbortSignal) => {
    const uses = `${options.mountBase}/.uses/${place.mount.slice(options.mountBase.length + 1)}`
    const args = [place.mount, lockFolder(options.mountBase), uses, place.share, place.file, place.options, token]
    return runDeed(deps, { what, script, args, seconds, signal })
  }
  return {
    async properties() {
      const { stdout } = await deps.run(['cat', '/proc/sys/kernel/hostname'])
      return { host: stdout.trim(), mountBase: options.mountBase, do_local_attach: false }
    },
    async attach(connection, signal) {
      return attach(placeOf(connection, options), deed, signal)
    },
    async extend(connection) {
      const place = placeOf(connection, options)
      const what = `Looking at ${place.path}`
      const args = [place.mount, place.file]
      const { stdout } = await runDeed(deps, { what, script: sizeScript, args, seconds })
      const [size = '', head = ''] = stdout.split('\n')
      if (place.format === 'raw') return Number(size)
      const header = parseQcow2(place.file, Buffer.from(head, 'base64'))
      if (!header) throw new DriverError('invalid', `${place.path} is not qcow2 as its connection says`)
      return header.virtualSize
    },
    async detach(connection) {
      const place = placeOf(connection, options)
      const { exitCode } = await deed(`Detaching ${place.path}`, detachScript, place, '')
      if (exitCode === 0) return
      throw new DriverError('busy', `${place.path} is open: close it, then detach it again`)
    },
  }
}

type PlaceDeed = (
  what: string,
  script: string,
  place: Place,
  token: string,
  signal?: AbortSignal,
) => ReturnType<typeof runDeed>

async function attach(place: Place, deed: PlaceDeed, signal?: AbortSignal): Promise<AttachedDevice> {
  const what = `Attaching ${place.file} of ${place.share}`
  if (signal?.aborted) throw new DriverError('aborted', `${what}: aborted before it began`)
  const token = newToken()
  const { exitCode } = await deed(what, attachScript, place, token, signal).catch(async (error: unknown) => {
    if (!isDriverError(error)) throw error
    if (error.kind === 'aborted') await deed(what, detachScript, place, token).catch(() => undefined)
    throw error.kind === 'failed' ? new DriverError('unavailable', error.message, error) : error
  })
  if (exitCode === answers.exists) throw new DriverError('not-found', `There is no ${place.file} on ${place.share}`)
  if (exitCode !== 0) throw new DriverError('unavailable', `${what}: another process has been at it for 60 s`)
  return { path: place.path, format: place.format }
}

/** Throws `invalid` for a connection that is not NFS's, or whose words could lead elsewhere. */
function placeOf({ driver_volume_type, data }: ConnectionInfo, options: Options): Place {
  if (driver_volume_type !== 'nfs') {
    throw new DriverError(
      'invalid',
      `driver_volume_type = ${JSON.stringify(driver_volume_type)}; this connector knows nfs`,
    )
  }
  const share = matching(data, 'export', new RegExp(sharePattern))
  const file = matching(data, 'name', /^\w[\w.-]{0,250}$/)
  const format = data.format ?? 'raw'
  if (format !== 'raw' && format !== 'qcow2') {
    throw new DriverError('invalid', `format = ${JSON.stringify(format)}; it must be raw or qcow2`)
  }
  const own = data.options ?? null
  const flags = own === null ? '' : matching(data, 'options', new RegExp(`^-o ${optionsPattern.slice(1)}`)).slice(3)
  const mount = mountPoint(options.mountBase, share)
  return { share, file, options: flags || (options.mountOptions ?? ''), format, mount, path: `${mount}/${file}` }
}

function matching(data: Record<string, unknown>, key: string, pattern: RegExp): string {
  const value = data[key]
  if (typeof value === 'string' && pattern.test(value)) return value
  throw new DriverError('invalid', `${key} = ${JSON.stringify(value)} of the connection must match ${pattern.source}`)
}
