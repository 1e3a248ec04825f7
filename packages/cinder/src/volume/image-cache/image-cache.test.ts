import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { uuid } from '@hearth/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestCinder, type TestCinder } from '../../start-for-tests.ts'

const folder = mkdtempSync(join(tmpdir(), 'hearth-images-'))
const images = new Map<string, { record: Record<string, unknown>; bytes: Buffer }>()
let downloads = 0
let glance: Server
let cinder: TestCinder

/** A minimal image service that serves and stores images. */
function serveImages(): Server {
  return createServer((request, response) => {
    const [, , , id = '', file] = request.url!.split('/')
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const json = (status: number, body?: unknown) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(body && JSON.stringify(body))
      }
      if (request.method === 'POST') {
        const record = { ...JSON.parse(Buffer.concat(chunks).toString()), id: uuid(), status: 'queued', size: null }
        images.set(record.id, { record, bytes: Buffer.alloc(0) })
        return json(201, record)
      }
      const image = images.get(id)
      if (!image) return json(404)
      if (request.method === 'PUT') {
        image.bytes = Buffer.concat(chunks)
        Object.assign(image.record, { status: 'active', size: image.bytes.length })
        return json(204)
      }
      if (file !== 'file') return json(200, image.record)
      downloads += 1
      setTimeout(() => response.end(image.bytes), 50)
    })
  })
}

function addImage(bytes: Buffer, diskFormat: string, more: object = {}): string {
  const id = uuid()
  const record = {
    id,
    name: 'test',
    status: 'active',
    disk_format: diskFormat,
    container_format: 'bare',
    checksum: uuid(),
  }
  const sizes = { size: bytes.length, virtual_size: null, min_disk: 0, min_ram: 0, os_hash_value: null }
  images.set(id, { record: { ...record, ...sizes, ...more }, bytes })
  return id
}

function qcow2Of(raw: Buffer): Buffer {
  writeFileSync(join(folder, 'source.raw'), raw)
  execFileSync('qemu-img', [
    'convert',
    '-f',
    'raw',
    '-O',
    'qcow2',
    join(folder, 'source.raw'),
    join(folder, 'made.qcow2'),
  ])
  return readFileSync(join(folder, 'made.qcow2'))
}

beforeAll(async () => {
  glance = serveImages().listen(0, '127.0.0.1')
  await new Promise((resolve) => glance.once('listening', resolve))
  cinder = await startTestCinder({ glanceUrl: `http://127.0.0.1:${(glance.address() as AddressInfo).port}` })
})
afterAll(async () => {
  await cinder.close()
  glance.close()
  rmSync(folder, { recursive: true })
})

const create = (imageRef: string, size = 1) => cinder.ask('POST', '/volumes', { volume: { size, imageRef } })
const bytesOf = async (id: string) => {
  const address = await cinder.volume.address!({ id, name: `volume-${id}`, sizeGiB: 1 })
  const file = await open(address.filename, 'r')
  const { buffer } = await file.read(Buffer.alloc(4 * mebibyte), 0, 4 * mebibyte, 0)
  await file.close()
  return buffer
}
const mebibyte = 1024 * 1024
const content = Buffer.concat([randomBytes(mebibyte), Buffer.alloc(2 * mebibyte), randomBytes(mebibyte)])

test('many volumes of one image need one download and have its bytes', async () => {
  const imageId = addImage(content, 'raw')
  const before = downloads
  const replies = await Promise.all(Array.from({ length: 4 }, () => create(imageId)))
  for (const { status, body } of replies) {
    expect(status).toBe(202)
    const volume = await cinder.wait(`/volumes/${body.volume.id}`, 'available')
    expect(volume.bootable).toBe('true')
    expect(volume.volume_image_metadata).toMatchObject({
      image_id: imageId,
      disk_format: 'raw',
      size: String(content.length),
    })
    expect((await bytesOf(body.volume.id)).subarray(0, content.length).equals(content)).toBe(true)
  }
  expect(downloads - before).toBe(1)
})

test('a volume of a qcow2 image has the decoded bytes', async () => {
  const { body } = await create(addImage(qcow2Of(content), 'qcow2'))
  await cinder.wait(`/volumes/${body.volume.id}`, 'available')
  expect((await bytesOf(body.volume.id)).subarray(0, content.length).equals(content)).toBe(true)
})

test('an image whose bytes are not of its format, or with a backing file, becomes no volume', async () => {
  const hostile = qcow2Of(content)
  hostile.writeBigUInt64BE(4096n, 8)
  for (const id of [addImage(content, 'qcow2'), addImage(hostile, 'qcow2')]) {
    const { body } = await create(id)
    const path = `/volumes/${body.volume.id}`
    await cinder.wait(path, 'error')
    expect((await cinder.volume.list!()).volumes).not.toContain(`volume-${body.volume.id}`)
    await cinder.ask('DELETE', path)
    await cinder.wait(path, 'gone')
  }
})

test('an image that is missing, inactive or too large for the volume is refused by the API', async () => {
  expect((await create(uuid())).status).toBe(400)
  expect((await create(addImage(content, 'raw', { status: 'deactivated' }))).status).toBe(400)
  expect((await create(addImage(content, 'raw', { min_disk: 2 }))).status).toBe(400)
  expect((await create(addImage(content, 'raw', { virtual_size: 3 * 2 ** 30 }))).status).toBe(400)
})

test('a volume can be uploaded to an image', async () => {
  const { body } = await create(addImage(content, 'raw'))
  const path = `/volumes/${body.volume.id}`
  await cinder.wait(path, 'available')
  const action = { 'os-volume_upload_image': { image_name: 'copy', disk_format: 'qcow2' } }
  const uploaded = await cinder.ask('POST', `${path}/action`, action)
  expect(uploaded.status).toBe(202)
  expect(uploaded.body['os-volume_upload_image']).toMatchObject({
    status: 'uploading',
    image_name: 'copy',
    disk_format: 'qcow2',
  })
  await cinder.wait(path, 'available')
  const image = images.get(uploaded.body['os-volume_upload_image'].image_id)!
  expect(image.record.status).toBe('active')
  expect(image.bytes.subarray(0, 3).toString()).toBe('QFI')
})

test('a re-image writes the new image over the volume', async () => {
  const { body } = await create(addImage(content, 'raw'))
  const path = `/volumes/${body.volume.id}`
  await cinder.wait(path, 'available')
  const other = Buffer.concat([Buffer.alloc(mebibyte), randomBytes(mebibyte)])
  const action = { 'os-reimage': { image_id: addImage(other, 'raw') } }
  expect((await cinder.ask('POST', `${path}/action`, action, { version: '3.68' })).status).toBe(202)
  await cinder.wait(path, 'available')
  expect((await bytesOf(body.volume.id)).subarray(0, other.length).equals(other)).toBe(true)
})
