import { createHash } from 'node:crypto'

/** Secrets that prevent clients from choosing the partition of a name. */
export interface HashSalt {
  prefix: string
  suffix: string
}

/** Returns the md5 of `<prefix>/<account>[/<container>[/<object>]]<suffix>`, 16 bytes, as Swift computes it. */
export function hashPath(salt: HashSalt, account: string, container?: string, object?: string): Buffer {
  let path = `${salt.prefix}/${account}`
  if (container !== undefined) path += `/${container}`
  if (object !== undefined) path += `/${object}`
  return createHash('md5')
    .update(path + salt.suffix)
    .digest()
}

/** Returns the partition: the top bits of a hash. `partShift` is 32 minus the partition power. */
export function partitionOf(hash: Buffer, partShift: number): number {
  return partShift === 32 ? 0 : hash.readUInt32BE(0) >>> partShift
}
