import { type BackupStore, type DriverDeps, DriverError } from '@hearth/driver'
import { answers } from './deed.ts'
import { mountOptions, optionsPattern, sharePattern } from './mount.ts'
import { openShare, type Share, type ShareSettings } from './share.ts'

export const backupOptions = {
  type: 'object',
  additionalProperties: false,
  required: ['share', 'mountBase'],
  properties: {
    share: { type: 'string', pattern: sharePattern, description: 'host:/export' },
    options: { type: 'string', pattern: optionsPattern, description: 'for mount -o, such as vers=4.2' },
    ...mountOptions,
    commandSeconds: { type: 'number', minimum: 1, default: 30, description: 'a share silent for longer is down' },
    copySeconds: { type: 'number', minimum: 1, default: 3600, description: 'the longest that one object may take' },
    retrySeconds: { type: 'number', minimum: 0, default: 5, description: 'until a share that is down is asked again' },
    retryMaxSeconds: { type: 'number', minimum: 0, default: 300, description: 'the wait doubles up to this' },
  },
}

/** Bytes of an object that one command hands over: its output is bounded, and base64 makes four bytes of three. */
const pieceMib = 16
const mib = 1024 ** 2

const putScript = `
[ -d "$1" ] || { answering; exit ${answers.absent}; }
part="$1/.part-$token"
base64 -d >"$part"
sync "$part"
settle "$1/$2"
`

/** What the object is comes with each piece, so that pieces of two are never put together. */
const getScript = `
[ -f "$1/$2" ] || { answering; exit ${answers.absent}; }
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
[ -d "$1" ] || { answering; exit ${answers.absent}; }
find "$1" -mindepth 1 -maxdepth 1 -type f ! -name '.*' -printf '%f\\0'
answering
`

const deleteScript = `
if [ -e "$1/$2" ]; then rm -f -- "$1/$2"; else answering; fi
`

/** Containers as folders of a share, objects as files: the layout of Cinder's posix and NFS backup drivers. */
export async function openNfsBackup(options: Record<string, unknown>, deps: DriverDeps): Promise<BackupStore> {
  const given = options as unknown as ShareSettings & { share: string; options?: string }
  const share = openShare(given, { ...given, ...deps })
  return {
    async prepare(container) {
      const script = 'mkdir -p -m 700 -- "$1"\n'
      await share.deed({ what: `preparing ${container}`, script, args: [folderOf(container)] })
    },
    async put(container, name, data, signal) {
      const what = `writing ${name}`
      if (signal?.aborted) throw new DriverError('aborted', `${what}: aborted`)
      const input = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
      const args = [folderOf(container), encode(name)]
      const { exitCode } = await share.deed({ what, script: putScript, args, long: true, signal, input })
      if (exitCode !== 0) throw new DriverError('not-found', `There is no container ${container}`)
    },
    get: (container, name, signal) => read(share, container, name, signal),
    async list(container, prefix) {
      const { stdout } = await share.deed({ what: 'listing', script: listScript, args: [folderOf(container)] })
      const names = stdout.split('\0').filter(Boolean).map(decodeURIComponent)
      return names.filter((name) => name.startsWith(prefix)).sort()
    },
    async delete(container, name) {
      const args = [folderOf(container), encode(name)]
      await share.deed({ what: `deleting ${name}`, script: deleteScript, args })
    },
  }
}

async function read(share: Share, container: string, name: string, signal?: AbortSignal): Promise<Uint8Array> {
  const pieces: Buffer[] = []
  let whole: string | undefined
  for (let at = 0; ; at += pieceMib) {
    const args = [folderOf(container), encode(name), at]
    const deed = { what: `reading ${name}`, script: getScript, args, long: true, signal }
    const { stdout, exitCode } = await share.deed(deed)
    if (exitCode !== 0) throw new DriverError('not-found', `There is no ${name} in ${container}`)
    const [about = '', piece = ''] = stdout.split('\n')
    whole ??= about
    if (about !== whole) throw new DriverError('busy', `${name} was replaced while it was read: read it again`)
    pieces.push(Buffer.from(piece, 'base64'))
    if ((at + pieceMib) * mib >= Number(about.split(' ')[1])) return Buffer.concat(pieces)
  }
}

/** `ab/cd/<id>` is a folder in folders. */
function folderOf(container: string): string {
  return `./${container.split('/').map(encode).join('/')}`
}

/** A file name for any name; a leading dot would hide it or lead out of the folder. */
function encode(name: string): string {
  if (name === '' || encodeURIComponent(name).length > 250) {
    throw new DriverError('invalid', `${JSON.stringify(name)} cannot name a backup's file: 1 to 250 bytes`)
  }
  return encodeURIComponent(name).replace(/^\./, '%2E')
}
