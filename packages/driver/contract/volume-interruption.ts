import { expect, test } from 'vitest'
import type { VolumeDriver } from '../src/index.ts'
import { gib, mib } from './bytes.ts'
import { newSnapshot, newVolume, type VolumeKit } from './volume-kit.ts'

/** Every method aborted before it began and in its middle, then asked again. */
export function describeInterruptions(kit: VolumeKit): void {
  const { contract, bytes, driver, address } = kit
  test('an operation that is aborted before it began does nothing', async () => {
    const [source, clone] = [newVolume(), newVolume()]
    const snapshot = newSnapshot(source)
    await driver().create(source)
    const gone = AbortSignal.abort()
    await expect(driver().create(clone, gone)).rejects.toMatchObject({ kind: 'aborted' })
    await expect(driver().clone(clone, source, gone)).rejects.toMatchObject({ kind: 'aborted' })
    await expect(driver().snapshot(snapshot, gone)).rejects.toMatchObject({ kind: 'aborted' })
    await expect(driver().connection(clone)).rejects.toMatchObject({ kind: 'not-found' })
    await expect(driver().createFromSnapshot(clone, snapshot)).rejects.toMatchObject({ kind: 'not-found' })
    await driver().delete(source)
  })

  const rounds = contract.interruptions ?? 3
  if (rounds === 0) return
  test(`each method, aborted ${rounds} times in its middle, is whole when asked again`, async () => {
    const source = newVolume()
    await driver().create(source)
    await bytes.write(await address(source), 0, mib, 0x62)
    const usual = new Map<string, number>()
    await oneTurn(kit, source, usual, false)
    for (let round = 0; round < rounds; round += 1) await oneTurn(kit, source, usual, true)
    await driver().delete(source)
  })
}

type Operation = (signal?: AbortSignal) => Promise<unknown>

async function oneTurn(
  { driver, bytes, address, expectBytes }: VolumeKit,
  source: ReturnType<typeof newVolume>,
  usual: Map<string, number>,
  interrupted: boolean,
): Promise<void> {
  const [blank, clone, copy] = [newVolume(), newVolume(), newVolume()]
  const snapshot = newSnapshot(source)
  const on: VolumeDriver = driver()
  const perform = (method: string, operation: Operation) => interrupt(method, operation, usual, interrupted)
  await perform('create', (signal) => on.create(blank, signal))
  await perform('clone', (signal) => on.clone(clone, source, signal))
  await perform('snapshot', (signal) => on.snapshot(snapshot, signal))
  await perform('createFromSnapshot', (signal) => on.createFromSnapshot(copy, snapshot, signal))
  await perform('extend', (signal) => on.extend(blank, 2, signal))
  if (on.revert) await perform('revert', (signal) => on.revert!(snapshot, signal))
  const [b, c, d, s] = [await address(blank), await address(clone), await address(copy), await address(source)]
  expect(await bytes.sizes([b, c, d, s])).toEqual([2 * gib, gib, gib, gib])
  await expectBytes([b, 0, mib, 0], [c, 0, mib, 0x62], [d, 0, mib, 0x62], [s, 0, mib, 0x62])
  await perform('delete', (signal) => on.delete(copy, signal))
  await perform('deleteSnapshot', (signal) => on.deleteSnapshot(snapshot, signal))
  await on.delete(blank)
  await on.delete(clone)
  if (on.list) expect(await on.list()).toEqual({ volumes: [source.name], snapshots: [] })
}

/** Runs the method; if asked, first runs it once with an abort at a random point of its usual duration. */
async function interrupt(
  method: string,
  operation: Operation,
  usual: Map<string, number>,
  interrupted: boolean,
): Promise<void> {
  if (interrupted) {
    const aborter = new AbortController()
    const timer = setTimeout(() => aborter.abort(), Math.random() * usual.get(method)!)
    const end = await operation(aborter.signal).catch((error: unknown) => error)
    clearTimeout(timer)
    if (end instanceof Error) expect([method, end]).toEqual([method, expect.objectContaining({ kind: 'aborted' })])
  }
  const began = performance.now()
  await operation()
  if (!interrupted) usual.set(method, performance.now() - began)
}
