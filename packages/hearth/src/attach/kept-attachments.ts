import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { ConnectionInfo } from '@hearth/driver'

/** Record of a volume that this host attaches, so that the work can be repeated or undone after any crash. */
export interface KeptAttachment {
  volumeId: string
  volumeName: string | null
  /** Where the device is: the last word of the ssh arguments, or this host. */
  host: string
  /** Attachments of the volume that were there before ours was asked for. */
  before: string[]
  /** Null until the volume service has responded. */
  attachmentId: string | null
  connection: ConnectionInfo | null
  /** Null until it is there. */
  device: string | null
  since: string
}

export interface KeptAttachments {
  all(): KeptAttachment[]
  find(volume: string, host: string): KeptAttachment | null
  keep(attachment: KeptAttachment): void
  forget(attachment: KeptAttachment): void
}

/** One file for each volume and host, readable for its owner only: connections carry passwords. */
export function openKeptAttachments(folder: string): KeptAttachments {
  const fileOf = ({ volumeId, host }: KeptAttachment): string =>
    join(folder, `${volumeId}@${encodeURIComponent(host)}.json`)
  const all = (): KeptAttachment[] => {
    const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : []
    return files.sort().map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as KeptAttachment)
  }
  return {
    all,
    find: (volume, host) =>
      all().find((one) => one.host === host && (one.volumeId === volume || one.volumeName === volume)) ?? null,
    keep(attachment) {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      const file = fileOf(attachment)
      const draft = openSync(`${file}.new`, 'w', 0o600)
      writeSync(draft, `${JSON.stringify(attachment, null, 2)}\n`)
      fsyncSync(draft)
      closeSync(draft)
      renameSync(`${file}.new`, file)
    },
    forget: (attachment) => rmSync(fileOf(attachment), { force: true }),
  }
}
