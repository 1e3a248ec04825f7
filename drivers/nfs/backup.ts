import { type BackupStore, type DriverDeps, DriverError } from '@hearth/driver'
import { mountOptions, optionsPattern, sharePattern } from './mount.ts'
import { exitCodes } from './script.ts'
import { openShare, type Share, type ShareSettings } from './share.ts'

export const backupOptions = {
  type: 'object',
  additionalProperties: false,
  required: ['share', 'mountBase'],
  properties: {
    share: { type: 'string', pattern: sharePattern, description: 'host:/export' },
    options: { type: 'string', pattern: optionsPattern, description: 'for mount -o, such as vers=4.2' },
    ...mountOptions,
    commandSeconds: {
      type: 'number',
      minimum: 1,
      default: 30,
      description: 'a share that does not respond for longer is down',
    },
    copySeconds: { type: 'number', minimum: 1, default: 3600, description: 'the longest that one object may take' },
    retrySeconds: { type: 'number', minimum: 0, default: 5, description: 'until a share that is down is tried again' },
    retryMaxSeconds: { type: 'number', minimum: 0, default: 300, description: 'the wait doubles up to this' },
  },
}

/** MiB of an object that one command prints: its output is limited, and base64 makes four bytes of three. */
const pieceMib = 16
const mib = 1024 ** 2

const putScript = `
[ -d "$1" ] || { check_share; exit ${exitCodes.absent}; }
part="$1/.part-$token"
base64 -d >"$part"
sync "$part"
publish "$1/$2"
`

/** Prints inode and size before each piece, so that pieces of two versions of an object are never joined. */
const getScript = `
[ -f "$1/$2" ] || { check_share; exit ${exitCodes.absent}; }
exec 3<"$1/$2"
about=$(stat -L -c '%i %s' /proc/self/fd/3)
echo "$about"
if [ "\${about#* }" -le ${pieceMib * mib} ]; then
  base64 -w0 <&3
else
  dd bs=1M skip="$3" count=${pieceMib} status=none <&3 | base64 -w0
fi
`

const listScript = `
[ -d "$1" ] || { check_share; exit ${exitCodes.absent}; }
find "$1" -mindepth 1 -maxdepth 1 -type f ! -name '.*' -printf '%f\\0'
check_share
`

const deleteScript = `
if [ -e "$1/$2" ]; then rm -f -- "$1/$2"; else check_share; fi
`

/** Opens a backup store on a share: containers are folders, objects are files, as in Cinder's posix and NFS drivers. */
export async function openNfsBackup(options: Record<string, unknown>, deps: DriverDeps): Promise<BackupStore> {
  const given = options as unknown as ShareSettings & { share: string; options?: string }
  const share = openShare(given, { ...given, ...deps })
  return {
    async prepare(container) {
      const script = 'mkdir -p -m 700 -- "$1"\n'
      await share.run({ what: `preparing ${container}`, script, args: [folderOf(container)] })
    },
    async put(container, name, data, signal) {
      const what = `writing ${name}`
      if (signal?.aborted) throw new DriverError('aborted', `${what}: aborted`)
      const input = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
      const args = [folderOf(container), encode(name)]
      const { exitCode } = await share.run({ what, script: putScript, args, long: true, signal, input })
      if (exitCode !== 0) throw new DriverError('not-found', `There is no container ${container}`)
    },
    get: (container, name, signal) => read(share, container, name, signal),
    async list(container, prefix) {
      const { stdout } = await share.run({ what: 'listing', script: listScript, args: [folderOf(container)] })
      const names = stdout.split('\0').filter(Boolean).map(decodeURIComponent)
      return names.filter((name) => name.startsWith(prefix)).sort()
    },
    async delete(container, name) {
      const args = [folderOf(container), encode(name)]
      await share.run({ what: `deleting ${name}`, script: deleteScript, args })
    },
  }
}

async function read(share: Share, container: string, name: string, signal?: AbortSignal): Promise<Uint8Array> {
  const pieces: Buffer[] = []
  let whole: string | undefined
  for (let at = 0; ; at += pieceMib) {
    const args = [folderOf(container), encode(name), at]
    const reading = { what: `reading ${name}`, script: getScript, args, long: true, signal }
    const { stdout, exitCode } = await share.run(reading)
    if (exitCode !== 0) throw new DriverError('not-found', `There is no ${name} in ${container}`)
    const [about = '', piece = ''] = stdout.split('\n')
    whole ??= about
    if (about !== whole) throw new DriverError('busy', `${name} was replaced while it was read: read it again`)
    pieces.push(Buffer.from(piece, 'base64'))
    if ((at + pieceMib) * mib >= Number(about.split(' ')[1])) return Buffer.concat(pieces)
  }
}

/** Path of a container; `ab/cd/<id>` is a folder inside folders. */
function folderOf(container: string): string {
  return `./${container.split('/').map(encode).join('/')}`
}

/** Encodes any name as a file name. A leading dot is encoded too: it would hide the file or lead out of the folder. */
function encode(name: string): string {
  if (name === '' || encodeURIComponent(name).length > 250) {
    throw new DriverError('invalid', `${JSON.stringify(name)} cannot name a backup's file: 1 to 250 bytes`)
  }
  return encodeURIComponent(name).replace(/^\./, '%2E')
}
