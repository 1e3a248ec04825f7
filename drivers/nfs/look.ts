import type { FoundFile } from './chain.ts'
import { headerBytes } from './qcow2.ts'

/** The files of one volume, as `lookScript` found them. */
export interface Look {
  files: Map<string, FoundFile>
  /** Empty when there is no information file. */
  infoText: string
  /** Content of the file `.<volume>.format`; empty without one. */
  format: string
}

/**
 * Lists the files of volumes. `yes NAME` locks the one volume; `no NAME…` takes no locks, but prints the content of
 * each lock file before and after, which shows whether a script changed the volume meanwhile. Prints the first bytes of
 * qcow2 files (size, backing file), but not of raw files: those bytes are the guest's.
 */
export const lookScript = `
held=$1
shift
files= infos= heads=
state() {
  state=
  [ ! -e "$locks/$1" ] || read -r state <"$locks/$1" || :
  echo "state $1 $state"
}
collect() {
  format=
  [ ! -e ".$1.format" ] || read -r format <".$1.format" || :
  echo "format $1 $format"
  name=$1
  if [ -f "$1.info" ] && [ ! -L "$1.info" ]; then
    infos="$infos $1.info"
    set -- "$1" "$1".*
  fi
  for file; do
    case $file in *[!A-Za-z0-9_.-]*|*.info) continue ;; esac
    [ -f "$file" ] && [ ! -L "$file" ] || continue
    files="$files $file"
    [ "$file:$format" = "$name:raw" ] || heads="$heads $file"
  done
}
torn() {
  [ "$held" = no ] || exit 1
  echo torn
}
[ "$held" = no ] || hold "$1"
for volume; do state "$volume"; done
for volume; do collect "$volume"; done
[ -z "$files" ] || stat -c 'size %n %s' -- $files || torn
[ -z "$infos" ] || grep -aHZ '' -- $infos || [ $? = 1 ] || torn
[ -z "$heads" ] || { printf 'heads '; head -v -c ${headerBytes} -- $heads | base64 -w0; echo; }
for volume; do state "$volume"; done
check_share
`

/** Parses the output of `lookScript`. Returns only the volumes that no script was changing while they were read. */
export function readLooks(stdout: string, names: string[], held: boolean): Map<string, Look> {
  const looks = new Map<string, Look>()
  const lines = stdout.split('\n')
  const words = lines.filter((line) => !line.includes('\0')).map((line) => line.split(' '))
  const of = (kind: string, name: string) => words.filter(([first, second]) => first === kind && second === name)
  const sizes = new Map(words.flatMap(([kind, file, size]) => (kind === 'size' ? [[file!, Number(size)]] : [])))
  const heads = readHeads(Buffer.from(words.find(([kind]) => kind === 'heads')?.[1] ?? '', 'base64'), sizes)
  if (heads === null || words.some(([kind]) => kind === 'torn')) return looks
  for (const name of names) {
    const [before, after] = of('state', name).map(([, , ...state]) => state.join(' '))
    if (!held && (before !== after || !atRest(before))) continue
    const format = of('format', name)[0]?.[2] ?? ''
    const files = new Map<string, FoundFile>()
    for (const [file, sizeBytes] of sizes) {
      if (file !== name && !file.startsWith(`${name}.`)) continue
      files.set(file, { sizeBytes, head: heads.get(file) ?? Buffer.alloc(0) })
    }
    const missing = [...files.keys()].some((file) => !heads.has(file) && !(file === name && format === 'raw'))
    if (missing) continue
    const info = lines.flatMap((line) => (line.startsWith(`${name}.info\0`) ? [line.slice(name.length + 6)] : []))
    looks.set(name, { files, format, infoText: info.join('\n').trimEnd() })
  }
  return looks
}

function atRest(state: string | undefined): boolean {
  return state !== undefined && (state === '' || state.split(' ')[1] === '0')
}

/** Splits the output of head(1) for files of these sizes; null when the output does not fit the sizes. */
function readHeads(said: Buffer, sizes: Map<string, number>): Map<string, Buffer> | null {
  const heads = new Map<string, Buffer>()
  for (let at = 0; at < said.length; ) {
    const end = said.indexOf(' <==\n', at)
    const file = said.toString('latin1', at + '==> '.length, Math.max(end, at))
    const size = sizes.get(file)
    if (end < 0 || size === undefined) return null
    const from = end + ' <==\n'.length
    const to = from + Math.min(size, headerBytes)
    if (to > said.length) return null
    heads.set(file, said.subarray(from, to))
    at = to + 1
  }
  return heads
}
