import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import type { LogicalVolume } from './lvm.ts'

/**
 * Unfinished work on a logical volume, stored as an LVM tag `hearth.<kind>=<about>/<owner>` that outlives the process.
 * `making`: not finished yet, or being deleted · `growing`: the bytes from `about` on are not zeroed yet · `reverting`:
 * the snapshot `about` is being merged into it · `keeping`: it is a copy of a snapshot that is being merged.
 */
type MarkKind = 'making' | 'growing' | 'reverting' | 'keeping'

export interface Mark {
  kind: MarkKind
  about: string
  owner: string
  tag: string
}

/** Prefix of the tag that names the volume of a thin snapshot, for when LVM no longer knows the origin. */
const ofTag = 'hearth.of='

let serial = 0

/** Returns a name for this process and one driver in it; unique even when process ids are reused. */
export function newOwner(): string {
  serial += 1
  return [thisHost(), process.pid, startOf(process.pid), serial].join(':')
}

/** Returns the tag of a mark. */
export function markTag(kind: MarkKind, owner: string, about = ''): string {
  return `hearth.${kind}=${about}/${owner}`
}

/** All marks of a logical volume. */
export function marksOf(logical: LogicalVolume): Mark[] {
  return logical.tags.flatMap((tag) => {
    const [, kind, about, owner] = /^hearth\.(making|growing|reverting|keeping)=([^/]*)\/(.*)$/.exec(tag) ?? []
    return kind ? [{ kind: kind as MarkKind, about: about!, owner: owner!, tag }] : []
  })
}

/** The first mark of this kind on a logical volume. */
export function markOf(logical: LogicalVolume, kind: MarkKind): Mark | undefined {
  return marksOf(logical).find((mark) => mark.kind === kind)
}

/** Returns the tag that names the volume of a thin snapshot. */
export function volumeTag(logicalVolume: string): string {
  return `${ofTag}${logicalVolume}`
}

/** The logical name of the volume that a snapshot belongs to. */
export function volumeOfSnapshot(snapshot: LogicalVolume): string {
  return snapshot.tags.find((tag) => tag.startsWith(ofTag))?.slice(ofTag.length) ?? snapshot.origin
}

/** Returns whether the process that made a mark still runs; `unknown` for a process of another host. */
export function ownerState(owner: string): 'alive' | 'dead' | 'unknown' {
  const [host, pid, start] = owner.split(':')
  if (host !== thisHost()) return 'unknown'
  return startOf(Number(pid)) === start ? 'alive' : 'dead'
}

function thisHost(): string {
  return hostname().replace(/[^A-Za-z0-9_.-]/g, '_')
}

/** Start time of a process in clock ticks since boot (proc(5), field 22); empty when it does not run. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
