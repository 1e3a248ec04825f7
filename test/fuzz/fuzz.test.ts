import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { suite } from '../suite.ts'
import { runTarget } from './run-target.ts'
import { suiteTargets, targets } from './targets.ts'

const seconds = 60
const seed = 20_261_128
const out = mkdtempSync(join(tmpdir(), 'hearth-fuzz-'))

test.concurrent.each(Object.keys(targets))('a minute of hostile input breaks nothing: %s', async (name) => {
  const place = suiteTargets.includes(name) ? suite() : null
  const { runs, findings, slowestHealthMs, grewMiB } = await runTarget({ name, place, seconds, seed, out })
  console.log(`${name}: ${runs} cases, grew by ${grewMiB} MiB, slowest health check ${slowestHealthMs ?? '-'} ms`)
  expect(findings).toEqual([])
  expect(runs).toBeGreaterThan(100)
})
