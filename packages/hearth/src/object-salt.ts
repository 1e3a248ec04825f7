import { existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { errorTable } from '@hearth/core'

const errors = errorTable({
  OtherSalt: [
    500,
    'objects on this host were placed by the hash salt in {file}, and objectSalt in {secrets} is another one. If all hosts had the salt of {file}, write it into objectSalt on each; if this host served nothing that is worth keeping, remove {file} and the folders of its devices',
  ],
})

interface Salt {
  prefix: string
  suffix: string
}

/** As one text, which is the suffix alone when there is no prefix. */
const textOf = ({ prefix, suffix }: Salt): string => (prefix === '' ? suffix : `${prefix}:${suffix}`)

function saltOf(text: string): Salt {
  const colon = text.indexOf(':')
  return { prefix: text.slice(0, Math.max(0, colon)), suffix: text.slice(colon + 1) }
}

const fileIn = (rings: string): string => join(rings, 'salt.json')

/** The salt that a version before secrets had it kept beside the rings; null when there is none. */
export function keptSalt(rings: string): string | null {
  const file = fileIn(rings)
  return existsSync(file) ? textOf(JSON.parse(readFileSync(file, 'utf8')) as Salt) : null
}

/** The salt of the cluster. One that was kept beside the rings is put aside when it is the same. Throws OtherSalt. */
export function objectSalt(secret: string, rings: string, secretsFile: string): Salt {
  const kept = keptSalt(rings)
  const file = fileIn(rings)
  if (kept !== null && kept !== secret) throw errors.OtherSalt({ file, secrets: secretsFile })
  if (kept !== null) renameSync(file, `${file}.adopted`)
  return saltOf(secret)
}
