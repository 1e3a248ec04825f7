import { createReadStream } from 'node:fs'
import { rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { MessageContext } from '@hearth/bus'
import { hasCode, uuid } from '@hearth/core'
import { move } from '@hearth/database'
import { type Address, bytesInOrder, copyBlocks, openBlocks } from '@hearth/driver'
import { addMessage } from '../model/messages/store.ts'
import { openVolumeBlocks } from '../model/volumes/open-blocks.ts'
import { volumeStates } from '../model/volumes/states.ts'
import { findVolume, type VolumeRow, volumeRef } from '../model/volumes/store.ts'
import type { UploadTask } from '../model/volumes/tasks.ts'
import type { BackendDeps } from './deps.ts'
import { qemuFormat } from './image-cache/inspect.ts'

/** Deliveries of the message while the image service still holds an upload that a crash interrupted (409). */
const maxAttempts = 6
const chunkBytes = 4 * 1024 * 1024

/** Uploads a volume in `uploading` to its image. */
export async function uploadVolume(
  context: MessageContext,
  input: { volumeId: string },
  attempt: number,
  deps: BackendDeps,
): Promise<void> {
  await deps.withLock(input.volumeId, async () => {
    const volume = await findVolume(deps.database.query, input.volumeId)
    if (volume?.status !== 'uploading') return
    const task = JSON.parse(volume.task ?? '{}') as UploadTask
    let failed = false
    try {
      await fillImage(volume, task, deps)
    } catch (error) {
      if (deps.signal.aborted) throw error
      if (hasCode(error, 'Conflict') && attempt < maxAttempts)
        throw new Error('the image service still holds an earlier upload of the image', { cause: error })
      failed = true
      deps.log.error({ err: error, volumeId: volume.id, requestId: context.requestId }, 'volume could not be uploaded')
      await removeImage(task.imageId, deps)
    }
    await finish(context, volume, failed, deps)
  })
}

async function fillImage(volume: VolumeRow, task: UploadTask, deps: BackendDeps): Promise<void> {
  const { images, session, backend } = deps
  const image = await images.get(await session.token(), task.imageId)
  if (image.status === 'active') return
  const format = qemuFormat(task.diskFormat)
  if (format !== 'raw') return sendConverted(volume, format, task, deps)
  const blocks = await openVolumeBlocks(backend, volumeRef(volume), 'r')
  try {
    await send(Readable.from(bytesInOrder(blocks, deps.signal), { objectMode: false }), task, deps)
  } finally {
    await blocks.close()
  }
}

/**
 * Converts with qemu-img and uploads: from the volume itself, or from a sparse copy if qemu-img cannot open the volume.
 */
async function sendConverted(volume: VolumeRow, format: string, task: UploadTask, deps: BackendDeps): Promise<void> {
  const [path, raw] = [join(deps.workFolder, `upload-${uuid()}.part`), join(deps.workFolder, `upload-${uuid()}.part`)]
  const { volume: driver, isRemote } = deps.backend
  try {
    const isLocal = driver.address && !isRemote
    const source = isLocal ? await driver.address!(volumeRef(volume)) : await copyHere(volume, raw, deps)
    await deps.qemu.convertTo(source, path, format, deps.signal)
    await send(createReadStream(path, { highWaterMark: chunkBytes }), task, deps)
  } finally {
    await rm(path, { force: true })
    await rm(raw, { force: true })
  }
}

async function copyHere(volume: VolumeRow, path: string, { backend, signal }: BackendDeps): Promise<Address> {
  const source = await openVolumeBlocks(backend, volumeRef(volume), 'r')
  try {
    await writeFile(path, '', { flag: 'wx', mode: 0o600 })
    await truncate(path, source.sizeBytes)
    const address: Address = { filename: path, format: 'raw' }
    const target = await openBlocks(address, { mode: 'rw' })
    await copyBlocks(source, target, { targetIsZero: true, signal }).finally(() => target.close())
    return address
  } finally {
    await source.close()
  }
}

async function send(data: Readable, task: UploadTask, deps: BackendDeps): Promise<void> {
  try {
    await deps.images.upload(await deps.session.token(), task.imageId, data, deps.signal)
  } finally {
    data.destroy()
  }
}

/** Deletes an image that stays without data because its upload failed. */
async function removeImage(id: string, deps: BackendDeps): Promise<void> {
  const token = await deps.session.token()
  const image = await deps.images.get(token, id).catch(() => null)
  if (image && image.status !== 'active') await deps.images.delete(token, id).catch(() => undefined)
}

async function finish(context: MessageContext, volume: VolumeRow, failed: boolean, deps: BackendDeps): Promise<void> {
  await deps.database.transaction(async (tx) => {
    const now = await findVolume(tx, volume.id)
    const to = now?.previous_status ?? 'available'
    const set = { previous_status: null, task: null }
    const states = volumeStates
    const moved = await move(tx, { table: 'volumes', id: volume.id, to, states, from: 'uploading', set })
    if (!moved || !failed) return
    await addMessage(tx, {
      projectId: volume.project_id,
      action: 'copy-volume-to-image',
      resourceType: 'VOLUME',
      resourceId: volume.id,
      detail: 'upload-failed',
      requestId: context.requestId,
    })
  })
}
