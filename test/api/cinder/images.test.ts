import { createHash, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { freshClient, makeRawImage, until, waitForStatus } from '../../client.ts'
import { suite } from '../../suite.ts'

const { urls, admin } = suite()
const client = await freshClient(urls, admin)
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

test('two volumes of one image are bootable, know their image, and give its bytes back as a new image', async () => {
  const bytes = randomBytes(5 * 2 ** 20)
  const imageRef = await makeRawImage(client, bytes)
  const make = async () => {
    const { body } = await client.must('volume', 'POST', '/volumes', { json: { volume: { size: 1, imageRef } } })
    return waitForStatus(client, `/volumes/${body.volume.id}`, 'available')
  }
  const [one, two] = await Promise.all([make(), make()])
  expect(one).toMatchObject({ bootable: 'true', volume_image_metadata: { image_id: imageRef } })
  const upload = { image_name: 'copy', disk_format: 'raw', container_format: 'bare' }
  const answer = await client.call('volume', 'POST', `/volumes/${two.id}/action`, {
    json: { 'os-volume_upload_image': upload },
  })
  expect(answer.status).toBe(202)
  const copyId = answer.body['os-volume_upload_image'].image_id
  const isActive = (image: { body: { status: string } }): boolean => image.body.status === 'active'
  await until(() => client.must('image', 'GET', `/images/${copyId}`), isActive, 240)
  await waitForStatus(client, `/volumes/${two.id}`, 'available')
  const copy = await client.must('image', 'GET', `/images/${copyId}/file`)
  const whole = copy.bytes
  expect(whole.length).toBe(2 ** 30)
  expect(sha256(whole.subarray(0, bytes.length))).toBe(sha256(bytes))
  expect(whole.subarray(bytes.length).every((byte) => byte === 0)).toBe(true)
  for (const { id } of [one, two]) await client.must('volume', 'DELETE', `/volumes/${id}`)
  for (const id of [imageRef, copyId]) await client.must('image', 'DELETE', `/images/${id}`)
})

test('a volume smaller than its image is refused', async () => {
  const json = { name: 'large', disk_format: 'raw', container_format: 'bare', min_disk: 2 }
  const { id } = (await client.must('image', 'POST', '/images', { json })).body
  const headers = { 'content-type': 'application/octet-stream' }
  await client.must('image', 'PUT', `/images/${id}/file`, { body: randomBytes(1000), headers })
  const answer = await client.call('volume', 'POST', '/volumes', { json: { volume: { size: 1, imageRef: id } } })
  expect(answer.status).toBe(400)
  await client.must('image', 'DELETE', `/images/${id}`)
})

test('an image that is not uploaded yet makes no volume', async () => {
  const json = { name: 'queued', disk_format: 'raw', container_format: 'bare' }
  const { id } = (await client.must('image', 'POST', '/images', { json })).body
  expect(
    (await client.call('volume', 'POST', '/volumes', { json: { volume: { size: 1, imageRef: id } } })).status,
  ).toBe(400)
  await client.must('image', 'DELETE', `/images/${id}`)
})
