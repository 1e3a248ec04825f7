import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { type Exported, newChap } from '../src/index.ts'
import { hostRunner, mib } from './bytes.ts'
import type { ExportKit } from './export-kit.ts'

/** Access to exports: the initiators that may log in, and those that are logged in. */
export function describeAccess(kit: ExportKit): void {
  describeCredentials(kit)
  if (kit.contract.abilities.initiators) describeInitiators(kit)
  if (kit.contract.abilities.mutual) describeMutual(kit)
  if (kit.contract.abilities.sessions) describeSessions(kit)
}

async function canLogIn(url: string, initiator = 'iqn.1993-08.org.debian:contract'): Promise<boolean> {
  const { exitCode } = await hostRunner(['iscsi-inq', '-i', initiator, url], {
    allow: [0, 1, 2, 10, 255],
    timeout: 20_000,
  })
  return exitCode === 0
}

function describeCredentials({ contract, driver, request, remote, behind, near }: ExportKit): void {
  test('a wrong password, a wrong name and no credentials are refused', async () => {
    const wanted = await request()
    const exported = await driver().create(wanted)
    const { username, password } = wanted.chap!
    const enters = (chap: typeof wanted.chap) => canLogIn(remote({ ...exported, chap }).filename)
    expect(await enters(wanted.chap)).toBe(true)
    expect(await enters({ username, password: 'wrongwrongwrong' })).toBe(false)
    expect(await enters({ username: 'nobody', password })).toBe(false)
    expect(await enters(null)).toBe(false)
    await driver().remove(wanted.name)
    expect(await enters(wanted.chap)).toBe(false)
  })

  test('a name that looks like a number, or holds a semicolon, logs in or is invalid', async () => {
    const wanted = await request()
    for (const username of ['0x7cc99fce48494b', '0b7cc99fce48494b', 'h7cc99f;h48494b']) {
      const creating = driver().create({ ...wanted, chap: { ...wanted.chap!, username } })
      const end = await creating.then(
        async (exported: Exported) => ((await canLogIn(remote(exported).filename)) ? 'logged in' : 'kept out'),
        ({ kind }: { kind?: string }) => kind,
      )
      expect([username, end]).toEqual([username, expect.stringMatching(/^(logged in|invalid)$/)])
    }
    await driver().remove(wanted.name)
  })

  test('one volume’s credentials do not open another', async () => {
    const [mine, yours] = [await request(), await request()]
    const [exported, other] = [await driver().create(mine), await driver().create(yours)]
    expect(await canLogIn(remote({ ...other, chap: exported.chap }).filename)).toBe(false)
    await driver().remove(mine.name)
    await driver().remove(yours.name)
  })

  test('an export without credentials is open', async () => {
    const wanted = { ...(await request()), chap: null }
    const exported = await driver().create(wanted)
    expect(await canLogIn(remote(exported).filename)).toBe(true)
    await driver().remove(wanted.name)
  })

  test('creating again with other credentials or another device replaces the export', async () => {
    const wanted = await request()
    const before = await driver().create(wanted)
    const after = await driver().create({ ...wanted, chap: newChap() })
    expect(await canLogIn(remote(before).filename)).toBe(false)
    expect(await canLogIn(remote(after).filename)).toBe(true)
    const moved = { ...wanted, path: await contract.device() }
    const replaced = await driver().create(moved)
    await near.write(remote(replaced), 0, mib, 0x73)
    expect(await behind.has({ filename: moved.path, format: 'raw' }, 0, mib, 0x73)).toBe(true)
    expect(await driver().list()).toEqual([wanted.name])
    await driver().remove(wanted.name)
  })
}

function describeInitiators({ driver, request, remote }: ExportKit): void {
  const [mine, other] = ['iqn.1993-08.org.debian:mine', 'iqn.1993-08.org.debian:other']

  test('only the initiators that are named may log in, and only with the password', async () => {
    const wanted = await request()
    const exported = await driver().create({ ...wanted, initiators: [mine] })
    const url = remote(exported).filename
    expect(await canLogIn(url, mine)).toBe(true)
    expect(await canLogIn(url, other)).toBe(false)
    const chap = { username: wanted.chap!.username, password: 'wrongwrongwrong' }
    expect(await canLogIn(remote({ ...exported, chap }).filename, mine)).toBe(false)
    expect(await driver().create({ ...wanted, initiators: [mine, other] })).toEqual(exported)
    expect(await canLogIn(url, other)).toBe(true)
    await driver().create({ ...wanted, initiators: [other] })
    expect(await canLogIn(url, mine)).toBe(false)
    await driver().remove(wanted.name)
  })

  test('who was let in while anyone could enter is kept out once only others are named', async () => {
    const wanted = await request()
    const url = remote(await driver().create(wanted)).filename
    expect(await canLogIn(url, other)).toBe(true)
    await driver().create({ ...wanted, initiators: [mine] })
    expect(await canLogIn(url, other)).toBe(false)
    expect(await canLogIn(url, mine)).toBe(true)
    await driver().create(wanted)
    expect(await canLogIn(url, other)).toBe(true)
    await driver().remove(wanted.name)
  })
}

function describeMutual({ driver, request, remote }: ExportKit): void {
  test.each([[[]], [['iqn.1993-08.org.debian:contract']]])(
    'with mutual CHAP the target proves itself to initiators that ask (named: %j)',
    async (initiators) => {
      const wanted = await request()
      const mutual = newChap()
      const { filename } = remote(await driver().create({ ...wanted, mutual, initiators }))
      const asking = (password: string) => `${filename}?target_user=${mutual.username}&target_password=${password}`
      expect(await canLogIn(asking(mutual.password))).toBe(true)
      expect(await canLogIn(asking('wrongwrongwrong'))).toBe(false)
      expect(await canLogIn(filename)).toBe(true)
      await driver().create({ ...wanted, initiators })
      expect(await canLogIn(asking(mutual.password))).toBe(false)
      await driver().remove(wanted.name)
    },
  )
}

function describeSessions({ contract, driver, request, remote }: ExportKit): void {
  const held: ChildProcess[] = []
  afterAll(() => {
    for (const child of held) child.kill('SIGKILL')
  })
  const hold = (url: string): ChildProcess => {
    held.push(spawn('qemu-io', ['-f', 'raw', '-r', url, '-c', 'sleep 600000'], { stdio: 'ignore' }))
    return held.at(-1)!
  }
  const sessionsBecome = async (names: string[]): Promise<void> => {
    for (let tries = 0; ; tries += 1) {
      const now = await driver().sessions!()
      if (now.join() === names.join() || tries > 100) return expect(now).toEqual(names)
      await sleep(50)
    }
  }

  test('an export with a logged-in initiator has a session, also for the next process', async () => {
    const [used, idle] = [await request(), await request()]
    const exported = await driver().create(used)
    await driver().create(idle)
    expect(await driver().sessions!()).toEqual([])
    const holder = hold(remote(exported).filename)
    await sessionsBecome([used.name])
    if (contract.reopen) {
      const next = await contract.reopen()
      await next.start()
      expect(await next.list()).toEqual([used.name, idle.name].sort())
      expect(await next.sessions!()).toEqual([used.name])
      expect(await next.create(used)).toEqual(exported)
      await next.close()
    }
    expect(holder.exitCode).toBeNull()
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    await sessionsBecome([])
    await driver().remove(used.name)
    await driver().remove(idle.name)
  })

  test('removing an export closes its sessions', async () => {
    const wanted = await request()
    hold(remote(await driver().create(wanted)).filename)
    await sessionsBecome([wanted.name])
    await driver().remove(wanted.name)
    expect(await driver().list()).toEqual([])
    expect(await driver().sessions!()).toEqual([])
  })
}
