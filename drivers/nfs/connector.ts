import {
  type AttachedDevice,
  type ConnectionInfo,
  type ConnectorDriver,
  type DriverDeps,
  DriverError,
  isDriverError,
} from '@hearth/driver'
import { folderPattern, lockFolder, mountPoint, newToken, optionsPattern, sharePattern } from './mount.ts'
import { headerBytes, parseQcow2 } from './qcow2.ts'
import { exitCodes, mounted, runScript } from './script.ts'

export const connectorOptions = {
  type: 'object',
  additionalProperties: false,
  properties: {
    mountBase: {
      type: 'string',
      pattern: folderPattern,
      default: '/var/lib/hearth/attached',
      description:
        'folder below which shares are mounted; not the one of a volume service, because the connector unmounts shares',
    },
    mountOptions: {
      type: 'string',
      pattern: optionsPattern,
      description: 'for connections that have no options',
    },
    timeoutSeconds: { type: 'number', minimum: 1, default: 60, description: 'a share that takes longer has failed' },
  },
}

interface Options {
  mountBase: string
  mountOptions?: string
  timeoutSeconds: number
}

/** The checked content of a connection: a file on a share. */
interface NfsFile {
  share: string
  file: string
  /** For `mount -o`; may be empty. */
  options: string
  format: 'raw' | 'qcow2'
  mount: string
  path: string
}

/**
 * `.uses` has a file for each attached volume of a mount, so that a later process knows them; detaching the last volume
 * unmounts the share. A volume file that any process or loop device has open is in use.
 */
const prelude = `set -eu
dir=$1 locks=$2 uses=$3 share=$4 file=$5 options=$6 token=$7
${mounted}
[ -d "$locks" ] && [ -d "$uses" ] || mkdir -p -m 700 -- "$locks" "$uses"
exec 9>>"$locks/mount-\${dir##*/}"
flock -w 60 9 || exit ${exitCodes.locked}
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
[ -f "$dir/$file" ] && [ ! -L "$dir/$file" ] || exit ${exitCodes.exists}
[ -e "$uses/$file" ] || echo "$token" >"$uses/$file"
`

/** With a token, removes only the attachment that this token began. */
const detachScript = `${prelude}
if [ ! -e "$uses/$file" ]; then leave; exit 0; fi
read -r user <"$uses/$file" || :
[ -z "$token" ] || [ "$user" = "$token" ] || exit 0
if mounted; then
  if grep -qxF -- "$dir/$file" /sys/block/loop*/loop/backing_file 2>/dev/null; then exit ${exitCodes.changed}; fi
  users=$(find /proc/[0-9]*/fd -lname "$dir/$file" 2>/dev/null || :)
  [ -z "$users" ] || exit ${exitCodes.changed}
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

/** Opens a connector that attaches NFS volumes as os-brick does: it mounts the share, and the file is the device. */
export async function openNfsConnector(given: Record<string, unknown>, deps: DriverDeps): Promise<ConnectorDriver> {
  const options = given as unknown as Options
  const seconds = options.timeoutSeconds
  const runFor = (what: string, script: string, nfsFile: NfsFile, token: string, signal?: AbortSignal) => {
    const uses = `${options.mountBase}/.uses/${nfsFile.mount.slice(options.mountBase.length + 1)}`
    const args = [
      nfsFile.mount,
      lockFolder(options.mountBase),
      uses,
      nfsFile.share,
      nfsFile.file,
      nfsFile.options,
      token,
    ]
    return runScript(deps, { what, script, args, seconds, signal })
  }
  return {
    async properties() {
      const { stdout } = await deps.run(['cat', '/proc/sys/kernel/hostname'])
      return { host: stdout.trim(), mountBase: options.mountBase, do_local_attach: false }
    },
    async attach(connection, signal) {
      return attach(readConnection(connection, options), runFor, signal)
    },
    async extend(connection) {
      const nfsFile = readConnection(connection, options)
      const what = `Looking at ${nfsFile.path}`
      const args = [nfsFile.mount, nfsFile.file]
      const { stdout } = await runScript(deps, { what, script: sizeScript, args, seconds })
      const [size = '', head = ''] = stdout.split('\n')
      if (nfsFile.format === 'raw') return Number(size)
      const header = parseQcow2(nfsFile.file, Buffer.from(head, 'base64'))
      if (!header) throw new DriverError('invalid', `${nfsFile.path} is not qcow2 as its connection says`)
      return header.virtualSize
    },
    async detach(connection) {
      const nfsFile = readConnection(connection, options)
      const { exitCode } = await runFor(`Detaching ${nfsFile.path}`, detachScript, nfsFile, '')
      if (exitCode === 0) return
      throw new DriverError('busy', `${nfsFile.path} is open: close it, then detach it again`)
    },
  }
}

type RunFor = (
  what: string,
  script: string,
  nfsFile: NfsFile,
  token: string,
  signal?: AbortSignal,
) => ReturnType<typeof runScript>

async function attach(nfsFile: NfsFile, runFor: RunFor, signal?: AbortSignal): Promise<AttachedDevice> {
  const what = `Attaching ${nfsFile.file} of ${nfsFile.share}`
  if (signal?.aborted) throw new DriverError('aborted', `${what}: aborted before it began`)
  const token = newToken()
  const { exitCode } = await runFor(what, attachScript, nfsFile, token, signal).catch(async (error: unknown) => {
    if (!isDriverError(error)) throw error
    if (error.kind === 'aborted') await runFor(what, detachScript, nfsFile, token).catch(() => undefined)
    throw error.kind === 'failed' ? new DriverError('unavailable', error.message, error) : error
  })
  if (exitCode === exitCodes.exists)
    throw new DriverError('not-found', `There is no ${nfsFile.file} on ${nfsFile.share}`)
  if (exitCode !== 0) throw new DriverError('unavailable', `${what}: another process has locked the mount for 60 s`)
  return { path: nfsFile.path, format: nfsFile.format }
}

/** Throws `invalid` for a connection that is not of NFS, or whose values could lead to another file. */
function readConnection({ driver_volume_type, data }: ConnectionInfo, options: Options): NfsFile {
  if (driver_volume_type !== 'nfs') {
    throw new DriverError(
      'invalid',
      `driver_volume_type = ${JSON.stringify(driver_volume_type)}; this connector supports nfs`,
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
