import { execFile } from 'node:child_process'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { addDevice, createBuilder, openRing, readRing, rebalance, ringOf, writeRing } from './index.ts'

const run = promisify(execFile)
const python = '/usr/bin/python3'

/** Python script that prints primaries and handoffs of every seventh partition as JSON, from the real library. */
const lookUp = `
import json, sys
from swift.common import utils
utils.HASH_PATH_SUFFIX = b'x'
utils.validate_hash_conf = lambda: None
from swift.common.ring import Ring
import swift.common.ring.ring as module
module.validate_configuration = lambda: None
ring = Ring(sys.argv[1])
parts = range(0, ring.partition_count, 7)
print(json.dumps([[[d['id'] for d in ring.get_part_nodes(p)], [d['id'] for d in ring.get_more_nodes(p)]] for p in parts]))
`

const buildRing = `
import sys
from swift.common.ring import RingBuilder
builder = RingBuilder(8, 2.5, 1)
for number in range(7):
    builder.add_dev({'id': number, 'region': number % 2 + 1, 'zone': number % 3 + 1, 'ip': '10.0.0.%d' % number,
                     'port': 6200, 'device': 'sdb', 'weight': 100.0 + number})
builder.rebalance(seed='1')
builder.get_ring().save(sys.argv[1])
`

async function realLookUp(path: string): Promise<[number[], number[]][]> {
  const { stdout } = await run(python, ['-c', lookUp, path])
  return JSON.parse(stdout) as [number[], number[]][]
}

async function ourLookUp(path: string): Promise<[number[], number[]][]> {
  const ring = openRing(await readRing(path))
  const found: [number[], number[]][] = []
  for (let partition = 0; partition < ring.partitionCount; partition += 7)
    found.push([ring.primaries(partition).map((d) => d.id), [...ring.handoffs(partition)].map((d) => d.id)])
  return found
}

test('the real Swift reads our ring file and finds the same devices as we do', async () => {
  const path = join(await mkdtemp(join(tmpdir(), 'ring-')), 'object.ring.gz')
  const builder = createBuilder({ partPower: 9, replicas: 3, minPartHours: 1 })
  for (let number = 0; number < 11; number++) {
    const [zone, region] = [(number % 4) + 1, (number % 2) + 1]
    addDevice(builder, {
      region,
      zone,
      ip: `10.0.0.${number % 6}`,
      port: 6200,
      device: `sd${number}`,
      weight: 50 + number,
    })
  }
  rebalance(builder, { seed: '1' })
  await writeRing(path, ringOf(builder))
  expect(await realLookUp(path)).toEqual(await ourLookUp(path))
}, 60_000)

test('we read a ring file of the real Swift and find the same devices as it does', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ring-'))
  const path = join(folder, 'object.ring.gz')
  await writeFile(join(folder, 'build.py'), buildRing)
  await run(python, [join(folder, 'build.py'), path])
  expect(await ourLookUp(path)).toEqual(await realLookUp(path))
}, 60_000)
