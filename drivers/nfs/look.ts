import type { FoundFile } from './chain.ts'
import { headerBytes } from './qcow2.ts'

/** What a look at one volume has seen. */
export interface Look {
  files: Map<string, FoundFile>
  /** Empty when there is no information file. */
  infoText: string
  /** As the file beside the volume says; empty without one. */
  format: string
}

/**
 * Looks at volumes: at one whose lock it holds, after `yes`; at any number, after `no`, where the states of their locks
 * before and after tell whether they were at rest. The first bytes tell the size of a qcow2 file and what it is made of;
 * those of a raw file are the guest's own.
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
answering
`

/** What `lookScript` has seen of each of the volumes, those left out that were not at rest. */
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

/** What head(1) says of files of these sizes; null when they are not so. */
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
