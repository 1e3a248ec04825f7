import { expect, test } from 'vitest'
import { meetsSpec } from '../model/pools/extra-spec.ts'
import type { Pool } from '../model/pools/pools.ts'
import type { PlacementRequest } from '../model/pools/request.ts'
import { openConsumption } from './consumption.ts'
import { rankPools } from './rank-pools.ts'

function pool(name: string, more: Partial<Pool> = {}): Pool {
  return {
    host: `${name}#pool`,
    backend: name,
    zone: 'nova',
    reportedAt: 1,
    total: 100,
    free: 100,
    allocated: 0,
    provisioned: 0,
    reservedPercentage: 0,
    maxOverSubscriptionRatio: 20,
    thin: false,
    thick: true,
    capabilities: { volume_backend_name: name, online_extend_support: true },
    ...more,
  }
}

function request(more: Partial<PlacementRequest> = {}, extraSpecs: Record<string, string> = {}): PlacementRequest {
  const type = { id: 't', name: 't', isPublic: true, description: null, extraSpecs, qosSpecsId: null }
  const rest = { volumeId: 'v', sizeGiB: 10, zone: 'nova', excluded: [], pinned: null, currentPool: null, hints: null }
  return { ...rest, type, ...more }
}

const names = (pools: Pool[]): string[] => pools.map(({ backend }) => backend)

test('the pool with the most free space comes first', () => {
  const pools = [pool('a', { free: 20 }), pool('b', { free: 90 }), pool('c', { free: 50 })]
  expect(names(rankPools(pools, request()))).toEqual(['b', 'c', 'a'])
})

test('a pool that is full, in another zone, or was tried before is left out', () => {
  const pools = [pool('full', { free: 9 }), pool('far', { zone: 'moon' }), pool('tried'), pool('good')]
  expect(names(rankPools(pools, request({ excluded: ['tried'] })))).toEqual(['good'])
})

test('thin volumes may exceed the capacity of a pool up to its over-subscription ratio, thick volumes may not', () => {
  const thin = pool('thin', { thin: true, provisioned: 500, free: 60 })
  expect(rankPools([thin], request({ sizeGiB: 1000 }))).toHaveLength(1)
  expect(rankPools([thin], request({ sizeGiB: 1600 }))).toHaveLength(0)
  expect(rankPools([thin], request({ sizeGiB: 80 }, { 'provisioning:type': 'thick' }))).toHaveLength(0)
})

test('reserved space is not given to volumes', () => {
  expect(rankPools([pool('a', { reservedPercentage: 95 })], request())).toHaveLength(0)
})

test('pools of infinite capacity accept any size, but come after pools of known capacity', () => {
  const pools = [pool('endless', { total: 'infinite', free: 'infinite' }), pool('known', { free: 11 })]
  expect(names(rankPools(pools, request()))).toEqual(['known', 'endless'])
})

test('extra specs select the backend; specs of other scopes are ignored', () => {
  const pools = [pool('gold'), pool('silver')]
  expect(names(rankPools(pools, request({}, { volume_backend_name: 'silver' })))).toEqual(['silver'])
  expect(rankPools(pools, request({}, { 'capabilities:volume_backend_name': 'none' }))).toHaveLength(0)
  expect(rankPools(pools, request({}, { 'qos:maxIOPS': '5' }))).toHaveLength(2)
})

test('space given to volumes since a report counts until the next report', () => {
  const consumption = openConsumption()
  consumption.add(pool('a'), 95)
  expect(rankPools(consumption.apply([pool('a')]), request())).toHaveLength(0)
  expect(rankPools(consumption.apply([pool('a', { reportedAt: 2 })]), request())).toHaveLength(1)
})

test.each([
  [true, '<is> True', true],
  [false, '<is> True', false],
  [7, '>= 5', true],
  [3, '= 5', false],
  ['abc', '<in> b', true],
  ['b', '<or> a <or> b', true],
  ['b', 's> a', true],
  ['x', 'x', true],
  ['x', 'y', false],
])('whether the capability %s meets the extra spec "%s": %s', (value, wanted, met) => {
  expect(meetsSpec(value, wanted)).toBe(met)
})
