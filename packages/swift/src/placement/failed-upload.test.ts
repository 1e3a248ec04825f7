import { createHash } from 'node:crypto'
import { silentLog } from '@hearth/core'
import { expect, test } from 'vitest'
import { type Cloud, openCloud } from '../for-tests/cloud.ts'
import type { KeeperDeps } from '../keepers/deps.ts'
import { replicateDevices } from '../keepers/replicate.ts'
import { updateListings } from '../keepers/update-listings.ts'
import { StorageError } from '../storage/errors.ts'
import type { Node } from '../storage/network/node.ts'
import { placeObject } from './cluster.ts'

/** Lets a node refuse to store objects; returns what ends that. */
function refuseObjects(node: Node): () => void {
  const { write } = node
  node.write = (name, input) =>
    name === 'putObject' ? Promise.reject(new StorageError('offline', 'the device is away')) : write(name, input)
  return () => {
    node.write = write
  }
}

async function runKeepers(cloud: Cloud): Promise<void> {
  const deps: KeeperDeps = {
    ...{ storage: cloud.storage, timestamps: cloud.storage.timestamps, log: silentLog },
    ...{ reclaimAge: 604_800, auditRate: 1e9, goOn: () => true },
  }
  for (let round = 0; round < 2; round++) {
    await replicateDevices(deps)
    await updateListings(deps)
  }
}

const md5 = (text: string): string => createHash('md5').update(text).digest('hex')

test('after an upload that a minority of the devices stored, the listing names what reading returns', async () => {
  const cloud = await openCloud({ keepers: false })
  try {
    await cloud.call('PUT', '/c')
    expect((await cloud.call('PUT', '/c/o', { body: 'old' })).status).toBe(201)
    const { hash } = placeObject(cloud.storage.cluster, 'AUTH_ann-project', 'c', 'o')
    const [alone, ...others] = cloud.storage.local as [Node, Node, Node]
    const { timestamp } = (await alone.read('getVersion', { hash }))!
    await alone.write('dropObject', { hash, timestamp })
    const ends = others.map(refuseObjects)
    expect((await cloud.call('PUT', '/c/o', { body: 'new' })).status).toBe(503)
    for (const end of ends) end()
    await runKeepers(cloud)
    const content = await (await cloud.call('GET', '/c/o', { headers: { 'x-newest': 'true' } })).text()
    const listed = (await (await cloud.call('GET', '/c?format=json')).json()) as { name: string; hash: string }[]
    expect(listed.map(({ name, hash: etag }) => [name, etag])).toEqual([['o', md5(content)]])
  } finally {
    await cloud.close()
  }
})

test('an upload into a container that has been deleted leaves nothing', async () => {
  const cloud = await openCloud({ keepers: false })
  try {
    await cloud.call('PUT', '/c')
    const body = new ReadableStream({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode('half'))
        expect((await cloud.call('DELETE', '/c')).status).toBe(204)
        controller.enqueue(new TextEncoder().encode(' and half'))
        controller.close()
      },
    })
    expect((await cloud.call('PUT', '/c/o', { body })).status).toBe(404)
    await cloud.call('PUT', '/c')
    await runKeepers(cloud)
    expect((await cloud.call('GET', '/c/o')).status).toBe(404)
    expect(await (await cloud.call('GET', '/c')).text()).toBe('')
  } finally {
    await cloud.close()
  }
})
