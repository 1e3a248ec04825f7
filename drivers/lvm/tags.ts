import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import type { LogicalVolume } from './lvm.ts'

/**
 * What is going on with a logical volume, kept as LVM tags `hearth.<what>=<about>/<owner>` so that it survives the
 * process: `making` it is not finished, or is being deleted · `growing` bytes from `about` on are not zeroed yet ·
 * `reverting` the snapshot `about` is being merged into it · `keeping` it is the copy of a snapshot being merged.
 */
export type Deed = 'making' | 'growing' | 'reverting' | 'keeping'

export interface Mark {
  deed: Deed
  about: string
  owner: string
  tag: string
}

/** The volume of a thin snapshot whose origin LVM has forgotten. */
const ofTag = 'hearth.of='

let serial = 0

/** Names this process, and one driver within it, beyond the reuse of process ids. */
export function newOwner(): string {
  serial += 1
  return [thisHost(), process.pid, startOf(process.pid), serial].join(':')
}

export function markTag(deed: Deed, owner: string, about = ''): string {
  return `hearth.${deed}=${about}/${owner}`
}

export function marksOf(logical: LogicalVolume): Mark[] {
  return logical.tags.flatMap((tag) => {
    const [, deed, about, owner] = /^hearth\.(making|growing|reverting|keeping)=([^/]*)\/(.*)$/.exec(tag) ?? []
    return deed ? [{ deed: deed as Deed, about: about!, owner: owner!, tag }] : []
  })
}

export function markOf(logical: LogicalVolume, deed: Deed): Mark | undefined {
  return marksOf(logical).find((mark) => mark.deed === deed)
}

export function volumeTag(logicalVolume: string): string {
  return `${ofTag}${logicalVolume}`
}

/** The logical name of the volume that a snapshot belongs to. */
export function volumeOfSnapshot(snapshot: LogicalVolume): string {
  return snapshot.tags.find((tag) => tag.startsWith(ofTag))?.slice(ofTag.length) ?? snapshot.origin
}

/** Whether the process still runs that made a mark; of another host's process only `unknown` can be said. */
export function ownerState(owner: string): 'alive' | 'dead' | 'unknown' {
  const [host, pid, start] = owner.split(':')
  if (host !== thisHost()) return 'unknown'
  return startOf(Number(pid)) === start ? 'alive' : 'dead'
}

function thisHost(): string {
  return hostname().replace(/[^A-Za-z0-9_.-]/g, '_')
}

/** When a process began, in clock ticks since boot; empty when there is none (proc(5), field 22). */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
