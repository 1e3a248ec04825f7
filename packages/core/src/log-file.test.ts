import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openLog } from './log.ts'
import { openLogFile } from './log-file.ts'

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), 'log-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'hearth.log')
}

const lines = (file: string): { msg: string; dropped?: number }[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string })

test('a full disk costs lines and nothing else; the log goes on when there is space again and says how many are lost', () => {
  const file = place()
  // Every write to this device fails with ENOSPC.
  symlinkSync('/dev/full', file)
  const log = openLogFile({ file })
  const logger = openLog({ level: 'info', destination: log })
  for (let line = 0; line < 3; line++) logger.info('lost')
  expect(log.dropped()).toBe(3)
  rmSync(file)
  log.reopen()
  logger.info('kept')
  logger.info('kept too')
  expect(lines(file)).toMatchObject([{ dropped: 3 }, { msg: 'kept' }, { msg: 'kept too' }])
  log.close()
})

test('only the owner may read the log', () => {
  const before = process.umask(0)
  onTestFinished(() => void process.umask(before))
  const file = place()
  openLogFile({ file }).close()
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test('a file that was renamed is left alone after reopening, and lines go on in a new one', () => {
  const file = place()
  const log = openLogFile({ file })
  log.write('{"msg":"before"}\n')
  renameSync(file, `${file}.old`)
  log.reopen()
  log.write('{"msg":"after"}\n')
  expect([lines(`${file}.old`), lines(file)]).toEqual([[{ msg: 'before' }], [{ msg: 'after' }]])
  log.close()
})

test('a file that has grown is renamed, and only so many renamed ones stay', () => {
  const file = place()
  const log = openLogFile({ file, maxBytes: 40, keep: 2 })
  for (let line = 0; line < 10; line++) log.write(`{"msg":"line ${line}"}\n`)
  expect(readdirSync(join(file, '..')).sort()).toEqual(['hearth.log', 'hearth.log.1', 'hearth.log.2'])
  expect(lines(`${file}.1`).map((line) => line.msg)).toEqual(['line 6', 'line 7', 'line 8'])
  log.close()
})

test('two processes that write one log rename it once', () => {
  const file = place()
  const [one, two] = [openLogFile({ file, maxBytes: 40, keep: 3 }), openLogFile({ file, maxBytes: 40, keep: 3 })]
  for (let line = 0; line < 3; line++) one.write(`{"msg":"one ${line}"}\n`)
  for (let line = 0; line < 3; line++) two.write(`{"msg":"two ${line}"}\n`)
  expect(readdirSync(join(file, '..')).sort()).toEqual(['hearth.log', 'hearth.log.1'])
  one.close()
  two.close()
})
