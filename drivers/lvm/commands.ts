import type { Backend } from './backend.ts'
import { markTag } from './tags.ts'

/** Returns the command for a thick snapshot, sized in percent of its volume; LVM adds room for its own metadata. */
export function snapshotCommand(backend: Backend, logical: string, source: string, mark?: string): string {
  const percent = `${backend.options.snapshotPercent}%ORIGIN`
  return `lvcreate -qq -y -s${mark ? ` --addtag ${mark}` : ''} -l ${percent} -n ${logical} ${backend.group.name}/${source}`
}

/** Returns the command for a volume marked as unfinished. Mirrors need no first sync when all bytes are zeroed. */
export function createCommand({ options, owner, group, pool, thin }: Backend, logical: string, bytes: number): string {
  const begin = `lvcreate -qq -y -an --addtag ${markTag('making', owner)} -n ${logical}`
  if (thin) return `${begin} -T -V ${bytes}b ${group.name}/${pool}`
  const mirrored = options.mirrors > 0 ? ` --type raid1 -m ${options.mirrors}${options.zeroNew ? ' --nosync' : ''}` : ''
  return `${begin} -Wn -Zn${mirrored} -L ${bytes}b ${group.name}`
}
