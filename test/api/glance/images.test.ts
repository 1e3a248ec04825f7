import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, expect, test } from 'vitest'
import { freshClient, until } from '../../client.ts'
import { suite } from '../../suite.ts'

const { urls, admin } = suite()
const client = await freshClient(urls, admin)
const octets = { 'content-type': 'application/octet-stream' }
const scratch = mkdtempSync(join(tmpdir(), 'images-'))
afterAll(() => rmSync(scratch, { recursive: true }))

async function makeImage(more: Record<string, unknown> = {}): Promise<{ id: string }> {
  const json = { name: 'an image', disk_format: 'raw', container_format: 'bare', ...more }
  return (await client.must('image', 'POST', '/images', { json })).body
}

const upload = (id: string, body: Uint8Array) =>
  client.call('image', 'PUT', `/images/${id}/file`, { body, headers: octets })

async function qemuImage(name: string, ...options: string[]): Promise<Buffer> {
  const file = join(scratch, name)
  await execa('qemu-img', ['create', '-q', ...options, file, ...(options.includes('-b') ? [] : ['16M'])], {
    cwd: scratch,
  })
  return readFileSync(file)
}

test('an image is made, uploaded, downloaded, and its digests are told', async () => {
  const bytes = randomBytes(3_000_000)
  const { id } = await makeImage({ colour: 'red' })
  expect((await client.must('image', 'GET', `/images/${id}`)).body).toMatchObject({ status: 'queued', colour: 'red' })
  expect((await client.call('image', 'GET', `/images/${id}/file`)).status).toBe(204)
  expect((await upload(id, bytes)).status).toBe(204)
  const digest = (name: string): string => createHash(name).update(bytes).digest('hex')
  expect((await client.must('image', 'GET', `/images/${id}`)).body).toMatchObject({
    status: 'active',
    size: bytes.length,
    virtual_size: bytes.length,
    checksum: digest('md5'),
    os_hash_algo: 'sha512',
    os_hash_value: digest('sha512'),
    visibility: 'shared',
  })
  const whole = await client.must('image', 'GET', `/images/${id}/file`)
  expect(createHash('md5').update(whole.bytes).digest('hex')).toBe(digest('md5'))
  const part = await client.call('image', 'GET', `/images/${id}/file`, { headers: { range: 'bytes=10-19' } })
  expect([part.status, part.bytes]).toEqual([206, bytes.subarray(10, 20)])
  expect((await upload(id, bytes)).status).toBe(409)
  expect((await client.call('image', 'DELETE', `/images/${id}`)).status).toBe(204)
  expect((await client.call('image', 'GET', `/images/${id}`)).status).toBe(404)
})

test.each(['qcow2', 'vmdk', 'vdi', 'vhdx', 'vpc'])(
  'a %s image is recognised, with its virtual size',
  async (format) => {
    const disk_format = format === 'vpc' ? 'vhd' : format
    const bytes = await qemuImage(`good.${format}`, '-f', format, ...(format === 'vpc' ? ['-o', 'force_size=on'] : []))
    const { id } = await makeImage({ disk_format })
    expect((await upload(id, bytes)).status).toBe(204)
    expect((await client.must('image', 'GET', `/images/${id}`)).body).toMatchObject({
      status: 'active',
      virtual_size: 16 * 2 ** 20,
    })
    await client.must('image', 'DELETE', `/images/${id}`)
  },
)

test('what is no image of the claimed format, or points elsewhere, is refused and may be tried again', async () => {
  const overlay = async (): Promise<Buffer> => {
    await qemuImage('base.qcow2', '-f', 'qcow2')
    return qemuImage('overlay.qcow2', '-f', 'qcow2', '-F', 'qcow2', '-b', 'base.qcow2')
  }
  const dataFile = await qemuImage('data.qcow2', '-f', 'qcow2', '-o', 'data_file=data.raw,data_file_raw=on')
  const flat = await qemuImage('flat.vmdk', '-f', 'vmdk', '-o', 'subformat=monolithicFlat')
  const cases: [string, Buffer][] = [
    ['qcow2', randomBytes(100_000)],
    ['vmdk', await qemuImage('claim.qcow2', '-f', 'qcow2')],
    ['qcow2', await overlay()],
    ['raw', await overlay()],
    ['qcow2', dataFile],
    ['vmdk', flat],
  ]
  for (const [disk_format, bytes] of cases) {
    const { id } = await makeImage({ disk_format })
    expect((await upload(id, bytes)).status).toBe(415)
    expect((await client.must('image', 'GET', `/images/${id}`)).body).toMatchObject({ status: 'queued', size: null })
    expect((await client.call('image', 'DELETE', `/images/${id}`)).status).toBe(204)
  }
})

test('an unknown disk format is refused', async () => {
  const json = { name: 'x', disk_format: 'floppy', container_format: 'bare' }
  expect((await client.call('image', 'POST', '/images', { json })).status).toBe(400)
})

test('an upload that breaks off leaves a queued image that can be uploaded again', async () => {
  const { id } = await makeImage()
  await new Promise<void>((done) => {
    const { hostname, port } = new URL(urls.image)
    const headers = { ...octets, 'x-auth-token': client.token, 'content-length': 10_000_000 }
    const sending = request({ hostname, port, path: `/v2/images/${id}/file`, method: 'PUT', headers })
    sending.on('error', () => done())
    sending.write(randomBytes(1_000_000), () => setTimeout(() => sending.destroy(), 50))
  })
  const image = () => client.must('image', 'GET', `/images/${id}`)
  await until(image, (answer) => answer.body.status === 'queued' && answer.body.size === null, 20)
  expect((await upload(id, randomBytes(1000))).status).toBe(204)
  await client.must('image', 'DELETE', `/images/${id}`)
})

test('an image is changed by a JSON patch, tagged, protected and shared', async () => {
  const { id } = await makeImage({ colour: 'red' })
  const patch = (operations: unknown) =>
    client.call('image', 'PATCH', `/images/${id}`, {
      body: JSON.stringify(operations),
      headers: { 'content-type': 'application/openstack-images-v2.1-json-patch' },
    })
  const changed = await patch([
    { op: 'replace', path: '/name', value: 'renamed' },
    { op: 'remove', path: '/colour' },
    { op: 'add', path: '/shape', value: 'round' },
  ])
  expect(changed.body).toMatchObject({ name: 'renamed', shape: 'round' })
  expect(changed.body).not.toHaveProperty('colour')
  expect((await patch([{ op: 'replace', path: '/checksum', value: 'x' }])).status).toBe(403)
  expect((await client.call('image', 'PUT', `/images/${id}/tags/good`)).status).toBe(204)
  expect(
    (await client.must('image', 'GET', '/images?tag=good')).body.images.map((image: { id: string }) => image.id),
  ).toContain(id)
  await patch([{ op: 'replace', path: '/protected', value: true }])
  expect((await client.call('image', 'DELETE', `/images/${id}`)).status).toBe(403)
  await patch([{ op: 'replace', path: '/protected', value: false }])
  const member = await client.call('image', 'POST', `/images/${id}/members`, { json: { member: 'another-project' } })
  expect([member.status, member.body.status]).toEqual([200, 'pending'])
  await client.must('image', 'DELETE', `/images/${id}`)
})

test('listing filters, sorts and pages', async () => {
  const name = `listed-${Date.now()}`
  const made = await Promise.all([1, 2, 3].map(() => makeImage({ name })))
  const first = await client.must('image', 'GET', `/images?name=${name}&limit=2&sort=id:asc`)
  expect(first.body.images).toHaveLength(2)
  const second = await client.must('image', 'GET', first.body.next.replace('/v2', ''))
  const ids = [...first.body.images, ...second.body.images].map((image: { id: string }) => image.id)
  expect(ids).toEqual(made.map((image) => image.id).sort())
  expect((await client.call('image', 'GET', '/images?limit=-1')).status).toBe(400)
  await Promise.all(made.map(({ id }) => client.must('image', 'DELETE', `/images/${id}`)))
})
