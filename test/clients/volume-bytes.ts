import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '../client.ts'
import { debianProgram } from './openstack.ts'

/** What an initiator needs to log in. */
export interface Target {
  portal: string
  iqn: string
  lun: number
  username: string
  password: string
  /** For everything that is built on libiscsi, qemu among them. */
  url: string
}

const connector = {
  host: 'client-test',
  ip: '127.0.0.1',
  initiator: 'iqn.2010-10.org.openstack:client-test',
  platform: 'x86_64',
  os_type: 'linux',
  multipath: false,
  mountpoint: '/dev/vda',
  mode: 'rw',
}

/** The name to log in with: targets may let in only who was announced. */
export const initiatorName = connector.initiator

/** Attaches the volume as Nova does, in three calls, for as long as `use` runs. */
export async function attached<T>(client: Client, volumeId: string, use: (target: Target) => Promise<T>): Promise<T> {
  const version = '3.44'
  const reserved = await client.must('volume', 'POST', '/attachments', {
    version,
    // Without a machine's id: what Nova has attached only a service may detach.
    json: { attachment: { volume_uuid: volumeId } },
  })
  const { id } = reserved.body.attachment
  try {
    const updated = await client.must('volume', 'PUT', `/attachments/${id}`, {
      version,
      json: { attachment: { connector } },
    })
    await client.must('volume', 'POST', `/attachments/${id}/action`, { version, json: { 'os-complete': null } })
    return await use(targetOf(updated.body.attachment.connection_info))
  } finally {
    await client.must('volume', 'DELETE', `/attachments/${id}`, { version })
  }
}

function targetOf(info: Record<string, string | number>): Target {
  const [portal, iqn, lun] = [String(info.target_portal), String(info.target_iqn), Number(info.target_lun)]
  const [username, password] = [String(info.auth_username), String(info.auth_password)]
  return { portal, iqn, lun, username, password, url: urlOf({ portal, iqn, lun, username, password }) }
}

export function urlOf(target: Omit<Target, 'url'>): string {
  return `iscsi://${target.username}%${target.password}@${target.portal}/${target.iqn}/${target.lun}`
}

/** Options of qemu's block layer for the target. */
export function blockOptions(target: Omit<Target, 'url'>): string {
  const { portal, iqn, lun, username, password } = target
  return `driver=iscsi,transport=tcp,portal=${portal},target=${iqn},lun=${lun},user=${username},password=${password},initiator-name=${initiatorName}`
}

/** sha256 of the first `bytes` of a volume, read over iSCSI. */
export async function volumeSha256(client: Client, volumeId: string, bytes: number, scratch: string): Promise<string> {
  const file = join(scratch, `${volumeId}.bytes`)
  await attached(client, volumeId, (target) =>
    debianProgram([
      'qemu-img',
      'dd',
      '--image-opts',
      `if=${blockOptions(target)}`,
      `of=${file}`,
      '-O',
      'raw',
      'bs=1M',
      `count=${Math.ceil(bytes / 1024 ** 2)}`,
    ]),
  )
  return fileSha256(file, bytes)
}

/** sha256 of a file, or of its first `bytes`. */
export async function fileSha256(file: string, bytes?: number): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file, bytes === undefined ? {} : { end: bytes - 1 })) hash.update(chunk)
  return hash.digest('hex')
}
