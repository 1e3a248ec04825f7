import { describe, expect, test } from 'vitest'
import { checkVolumeName, formatInfo, isLayerOf, parseInfo, snapshotKey } from './info-file.ts'

const volume = 'volume-7d2f1c3e-0000-4000-8000-000000000001'
const [first, second] = ['0a000000-0000-4000-8000-000000000002', 'b0000000-0000-4000-8000-000000000003']

describe('the information file', () => {
  test('is written as Cinder’s drivers write it', () => {
    const overlays = new Map([
      [second, `${volume}.${second}`],
      [first, `${volume}.${first}`],
    ])
    const lines = [
      '{',
      ` "${first}": "${volume}.${first}",`,
      ` "active": "${volume}.${second}",`,
      ` "${second}": "${volume}.${second}"`,
      '}',
    ]
    const text = formatInfo({ active: `${volume}.${second}`, overlays })
    expect(text).toBe(lines.join('\n'))
    expect(parseInfo(volume, text)).toEqual({
      active: `${volume}.${second}`,
      overlays: new Map([...overlays].reverse()),
    })
  })

  const wrong = [
    '',
    '[]',
    '{"s": "volume-x.s"}',
    '{"active": "volume-x"}',
    `{"active": "${volume}", "s": "/etc/passwd"}`,
    `{"active": "../${volume}"}`,
    `{"active": "${volume}", "../x": "${volume}.s"}`,
    `{"active": 1}`,
    'null',
  ]
  test.each(wrong)('with the content %s is refused', (text) => {
    expect(() => parseInfo(volume, text)).toThrow(expect.objectContaining({ kind: 'invalid' }))
  })
})

describe('names', () => {
  test('layers of a volume are its own file and its overlays only', () => {
    expect(['', `.${first}`].map((end) => isLayerOf(volume, volume + end))).toEqual([true, true])
    const others = [`${volume}.info`, `${volume}.a.b`, `${volume}x`, 'volume-1', `./${volume}`, `${volume}.`, '']
    expect(others.filter((name) => isLayerOf(volume, name))).toEqual([])
  })

  test.each(['volume-', 'volume-a.b', 'volume-a/b', 'x', 'volume-\n', '-rf', 'volume-ü'])(
    '%j names no volume',
    (name) => {
      expect(() => checkVolumeName(name)).toThrow(expect.objectContaining({ kind: 'invalid' }))
    },
  )

  test.each(['snapshot-info', 'snapshot-active', 'snapshot-', 'x', 'snapshot-a.b'])('%j names no snapshot', (name) => {
    expect(() => snapshotKey(name)).toThrow(expect.objectContaining({ kind: 'invalid' }))
  })
})
