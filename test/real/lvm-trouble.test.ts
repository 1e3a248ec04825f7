import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import type { DriverLog, SnapshotRef, VolumeRef } from '@hearth/driver'
import { afterAll, expect, test } from 'vitest'
import { beside } from './beside.ts'
import { startLvmLab } from './lvm-lab.ts'

const { vm, open } = await startLvmLab({
  'th-in': { four: [1700] },
  thick: { eight: [4500] },
  mirrored: { eight: [2250], four: [2250] },
  tiny: { eight: [1024] },
})
afterAll(() => vm.close())
await vm.run('lvcreate -qq -y -n root -L 64m thick')

const openThin = (log?: DriverLog) => open({ volumeGroup: 'th-in', type: 'thin' }, log)
const openThick = () => open({ volumeGroup: 'thick', type: 'thick' })

function openEar(): { said: { level: string; message: string }[]; log: DriverLog } {
  const said: { level: string; message: string }[] = []
  const hear = (level: string) => (_: object, message: string) => void said.push({ level, message })
  return { said, log: { debug: hear('debug'), info: hear('info'), warn: hear('warn'), error: hear('error') } }
}

const mib = 1024 ** 2
const volume = (id: string, sizeGiB = 1): VolumeRef => ({ id, name: `volume-${id}`, sizeGiB })
const snapshotOf = (of: VolumeRef, id: string): SnapshotRef => ({ id, name: `snapshot-${id}`, volume: of })
const namesIn = async (group: string): Promise<string[]> =>
  (await vm.run(`lvs --noheadings -o lv_name ${group}`)).split(/\s+/).filter(Boolean).sort()
/** Marks of a process of this host that is no more, and of one that is. */
const dead = `${hostname().replace(/[^A-Za-z0-9_.-]/g, '_')}:4194305:1:1`

test('a group that is not there is unavailable, by its name and with what to do', async () => {
  const opening = open({ volumeGroup: 'no-such' })
  await expect(opening).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringMatching(/no-such.*create it/),
  })
})

test('a group that LVM could not name is refused before any command', async () => {
  for (const volumeGroup of ['-f', 'a b', '$(id)', '..', ''])
    await expect(open({ volumeGroup })).rejects.toThrow('volumeGroup')
})

test('auto makes a pool in an empty group and none in a group with volumes; others’ volumes are never ours', async () => {
  const [thin, thick] = [await open({ volumeGroup: 'th-in' }), await open({ volumeGroup: 'thick' })]
  expect(await namesIn('th-in')).toEqual(['th-in-pool'])
  expect((await thin.stats()).pools[0]).toMatchObject({
    thinProvisioning: true,
    capabilities: { location_info: 'LVMVolumeDriver:lab:th-in:thin:0' },
  })
  expect((await thick.stats()).pools[0]).toMatchObject({ thinProvisioning: false, thickProvisioning: true })
  expect(await thick.list!()).toEqual({ volumes: [], snapshots: [] })
  expect(await thick.manageable!()).toMatchObject([{ kind: 'volume', name: 'root', sizeGiB: 1 }])
  await expect(thick.delete({ id: 'root', name: 'root', sizeGiB: 1 })).rejects.toMatchObject({ kind: 'invalid' })
  expect(await namesIn('thick')).toEqual(['root'])
  await thin.close?.()
})

beside('a thin group', () => {
  test('two services work on one group, and a dozen volumes at once take few commands', async () => {
    const { said, log } = openEar()
    const [one, other] = [await openThin(log), await openThin(log)]
    const volumes = Array.from({ length: 12 }, (_, i) => volume(`many-${i}`))
    said.length = 0
    await Promise.all(volumes.map((made, i) => (i % 3 ? one : other).create(made)))
    expect(said.filter(({ message }) => message === 'command').length).toBeLessThan(8)
    await Promise.all(volumes.slice(0, 4).map((made) => Promise.all([one.create(made), other.create(made)])))
    expect((await one.list!()).volumes).toHaveLength(12)
    await Promise.all(volumes.map((made, i) => (i % 2 ? one : other).delete(made)))
    await Promise.all(volumes.slice(0, 4).map((made) => Promise.all([one.delete(made), other.delete(made)])))
    expect(await namesIn('th-in')).toEqual(['th-in-pool'])
    await one.close?.()
    await other.close?.()
  })

  test('what a dead process left unfinished is removed at the next open; what a living one makes is busy', async () => {
    const owner = (process: string) => `--addtag hearth.making=/${process}`
    await (await openThin()).close?.()
    const alive = `${dead.split(':')[0]}:1:${startOfInit()}:9`
    await vm.run(`
    lvcreate -qq -y -an ${owner(dead)} -T -V 1g -n volume-left th-in/th-in-pool
    lvcreate -qq -y -an ${owner(alive)} -T -V 1g -n volume-others th-in/th-in-pool
  `)
    const driver = await openThin()
    expect(await namesIn('th-in')).toEqual(['th-in-pool', 'volume-others'])
    expect(await driver.list!()).toEqual({ volumes: [], snapshots: [] })
    await expect(driver.create(volume('others'))).rejects.toMatchObject({ kind: 'busy' })
    await vm.run('lvremove -qq -f th-in/volume-others')
    await driver.close?.()
  })

  test('a snapshot whose merge was cut short is there all the time, and whole after the next open', async () => {
    const [base, kept] = [volume('merged'), snapshotOf(volume('merged'), 'merged')]
    const before = await openThin()
    await before.create(base)
    await before.snapshot(kept)
    await vm.run(`
    lvrename -qq th-in/_snapshot-merged th-in/keep_snapshot-merged
    lvchange -qq --addtag hearth.keeping=/${dead} --addtag hearth.of=volume-merged th-in/keep_snapshot-merged
  `)
    expect(await before.list!()).toEqual({ volumes: ['volume-merged'], snapshots: ['snapshot-merged'] })
    await before.close?.()
    const after = await openThin()
    expect(await namesIn('th-in')).toEqual(['_snapshot-merged', 'th-in-pool', 'volume-merged'])
    await expect(after.delete(base)).rejects.toMatchObject({ kind: 'busy' })
    await after.deleteSnapshot(kept)
    await after.delete(base)
    await after.close?.()
  })
})

beside('a small pool', () => {
  test('a pool is grown while its group has room, told of before it fills, and refuses before it breaks', async () => {
    await vm.run('lvcreate -qq -y -T -L 128m tiny/tiny-pool')
    const driver = await open({ volumeGroup: 'tiny', poolExtendBy: 500, poolExtendPercent: 60 }).catch(
      (error: unknown) => error,
    )
    expect(driver).toMatchObject({ message: expect.stringContaining('poolExtendBy') })
    const growing = await open({ volumeGroup: 'tiny', poolExtendBy: 100, poolExtendPercent: 60 })
    await growing.create(volume('full'))
    const { filename } = await growing.address!(volume('full'))
    const fill = (mebibytes: number) =>
      vm.run(`dd if=/dev/zero of=${filename} bs=1M count=${mebibytes} oflag=direct status=none`)
    await fill(100)
    await growing.stats()
    await expect
      .poll(async () => Number((await growing.stats()).pools[0]!.totalCapacityGb), { timeout: 60_000 })
      .toBe(0.25)
    await growing.close?.()
    await vm.run('lvcreate -qq -y -l 100%FREE -n rest tiny')
    await fill(250)
    const { said, log } = openEar()
    const full = await open({ volumeGroup: 'tiny' }, log)
    expect(said).toContainEqual({ level: 'warn', message: expect.stringContaining('fills up') })
    for (const deed of [
      () => full.create(volume('more')),
      () => full.clone(volume('more'), volume('full')),
      () => full.snapshot(snapshotOf(volume('full'), 'more')),
    ]) {
      await expect(deed()).rejects.toMatchObject({ kind: 'no-space', message: expect.stringContaining('vgextend') })
    }
    expect(await full.list!()).toEqual({ volumes: ['volume-full'], snapshots: [] })
    await full.delete(volume('full'))
    await full.create(volume('more'))
    await full.close?.()
  })
})

beside('a thick group', () => {
  test('a thick volume is not deleted before its snapshots, nor grown with them while in use, but without', async () => {
    const driver = await openThick()
    const [base, snapshot] = [volume('used'), snapshotOf(volume('used'), 'used')]
    await driver.create(base)
    await driver.snapshot(snapshot)
    await expect(driver.delete(base)).rejects.toMatchObject({
      kind: 'busy',
      message: expect.stringContaining('snapshot-used'),
    })
    const { filename } = await driver.address!(base)
    await vm.run(`sleep 1000 < ${filename} > /dev/null 2>&1 & echo $! > /tmp/holder`)
    await expect(driver.extend(base, 2)).rejects.toMatchObject({ kind: 'busy' })
    await expect(driver.revert!(snapshot)).rejects.toMatchObject({ kind: 'busy' })
    await driver.deleteSnapshot(snapshot)
    await driver.extend(base, 2)
    expect(await driver.connection(base)).toMatchObject({ sizeBytes: 2 * 1024 ** 3 })
    await expect(driver.delete(base)).rejects.toMatchObject({ kind: 'busy' })
    expect((await driver.list!()).volumes).toEqual(['volume-used'])
    await vm.run('kill $(cat /tmp/holder)')
    await driver.delete(base)
    expect(await namesIn('thick')).toEqual(['root'])
  })

  test('what a dead process left of a copy is no hindrance to the next one of its name', async () => {
    const driver = await openThick()
    const [source, clone] = [volume('read'), volume('again')]
    await driver.create(source)
    const left = 'clone-snap-again'
    const tag = `--addtag hearth.making=/${dead}`
    await vm.run(`lvcreate -qq -y -s -l 100%ORIGIN ${tag} -n ${left} thick/${source.name}`)
    await driver.clone(clone, source)
    expect(await namesIn('thick')).not.toContain(left)
    await driver.delete(clone)
    await driver.delete(source)
  })

  test('a thick volume neither shows what its extents held before nor leaves what it held', async () => {
    await vm.run(`
    set -e
    lvcreate -qq -y -Wn -Zn -n filth -l 100%FREE thick
    qemu-io -f raw -c "write -q -P 165 0 64M" -c "write -q -P 165 1100M 64M" -c "write -q -P 165 2100M 64M" \\
      -c "write -q -P 165 3200M 64M" /dev/thick/filth
    lvremove -qq -f thick/filth
  `)
    const driver = await openThick()
    const [base, copy] = [volume('clean'), volume('sparse', 2)]
    /** Empty when all is zero; else where it is not, or why it could not be looked at. */
    const otherThanZero = async (path: string, fromMiB: number, toMiB: number): Promise<string> =>
      vm.run(`cmp -i ${fromMiB * mib}:0 -n ${(toMiB - fromMiB) * mib} ${path} /dev/zero 2>&1 || true`)
    await driver.create(base)
    const { filename } = await driver.address!(base)
    expect(await otherThanZero(filename, 0, 64)).toBe('')
    await vm.run(`qemu-io -f raw -c "write -q -P 73 8M 1M" ${filename}`)
    await driver.clone(copy, base)
    const copied = (await driver.address!(copy)).filename
    expect(await otherThanZero(copied, 0, 8)).toBe('')
    expect(await otherThanZero(copied, 8, 9)).toMatch(/differ: (byte|char) 1,/)
    expect(await otherThanZero(copied, 9, 128)).toBe('')
    expect(await otherThanZero(copied, 1100, 1250)).toBe('')
    await driver.delete(base)
    await driver.delete(copy)
    await vm.run('lvcreate -qq -y -Wn -Zn -n after -l 100%FREE thick')
    expect(await otherThanZero('/dev/thick/after', 0, 64)).toBe('')
    await vm.run('lvremove -qq -f thick/after')
  })
})

beside('a mirrored group', () => {
  test('mirrored volumes have their copies on different devices and count so', async () => {
    const driver = await open({ volumeGroup: 'mirrored', type: 'thick', mirrors: 1 })
    const free = async () => Number((await driver.stats()).pools[0]!.freeCapacityGb)
    const before = await free()
    await driver.create(volume('twice'))
    await driver.extend(volume('twice'), 2)
    expect(await vm.run('lvs --noheadings -o lv_layout mirrored/volume-twice')).toContain('raid1')
    expect(before).toBeLessThan(3)
    expect(before - (await free())).toBeGreaterThan(1.9)
    await expect(driver.create(volume('no-room', 2))).rejects.toMatchObject({ kind: 'no-space' })
    expect(await driver.list!()).toEqual({ volumes: ['volume-twice'], snapshots: [] })
    await driver.delete(volume('twice'))
  })
})

/** Process 1 never ends. */
function startOfInit(): string {
  const stat = readFileSync('/proc/1/stat', 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]!
}
