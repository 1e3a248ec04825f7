import { readFileSync, writeFileSync } from 'node:fs'

/** A case as it is kept to be replayed. */
export interface CaseFile {
  target: string
  seed: number
  /** fast-check's way to the shrunk case, for `fc.assert`'s options; null for cases that were not shrunk. */
  path: string | null
  message: string
  input: unknown
}

/** Bytes become base64 under `$bytes`; all else is plain JSON. */
function replacer(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const raw = this[key]
  if (raw instanceof Uint8Array) return { $bytes: Buffer.from(raw).toString('base64') }
  if (typeof raw === 'bigint') return { $bigint: String(raw) }
  if (raw === undefined) return { $undefined: true }
  return value
}

function reviver(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if ('$bytes' in value) return new Uint8Array(Buffer.from(String(value.$bytes), 'base64'))
  if ('$bigint' in value) return BigInt(String(value.$bigint))
  return '$undefined' in value ? undefined : value
}

export const encodeCase = (file: CaseFile): string => JSON.stringify(file, replacer)

export function saveCase(path: string, file: CaseFile): void {
  writeFileSync(path, `${JSON.stringify(file, replacer, 1)}\n`)
}

/** Throws when the file is missing or no JSON. */
export function loadCase(path: string): CaseFile {
  return JSON.parse(readFileSync(path, 'utf8'), reviver) as CaseFile
}
