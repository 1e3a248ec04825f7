import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { until } from './tools.ts'

const script = join(import.meta.dirname, 'casting-process.ts')

/**
 * Proves that no committed cast is lost: kills a process that casts and handles, again and again at random instants,
 * and looks whether the last one handles all that was committed.
 */
export async function survivesKills(databaseUrl: string, busUrl: string, kills: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-kills-'))
  const journal = join(folder, 'journal')
  await writeFile(journal, '')
  const noted = async (word: string): Promise<string[]> =>
    (await readFile(journal, 'utf8'))
      .split('\n')
      .filter((line) => line.startsWith(`${word} `))
      .map((line) => line.slice(word.length + 1))

  async function run(mode: 'cast' | 'drain', work: () => Promise<void>): Promise<void> {
    const child = spawn(process.execPath, [script, databaseUrl, busUrl, journal, mode], { stdio: 'inherit' })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    try {
      await until(async () => (await noted('up')).includes(String(child.pid)), 30_000)
      await work()
    } finally {
      child.kill('SIGKILL')
      await ended
    }
  }

  for (let kill = 0; kill < kills; kill += 1) await run('cast', () => sleep(50 + Math.random() * 300))
  const committed = await noted('committed')
  expect(committed.length).toBeGreaterThan(kills)
  await run('drain', () =>
    until(async () => {
      const handled = new Set(await noted('handled'))
      return committed.every((number) => handled.has(number))
    }, 60_000),
  )
  await rm(folder, { recursive: true })
}
