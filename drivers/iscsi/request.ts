import { type Chap, DriverError, type ExportRequest } from '@hearth/driver'

/**
 * Checks a request. Both target servers read `key=value,key=value`, so a comma or a line break in a value would change
 * its meaning. Throws DriverError `invalid`.
 */
export function checkRequest({ name, path, chap, mutual, initiators = [] }: ExportRequest): void {
  checkName(name)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (!/^\/[^,\x00-\x1f]*$/.test(path)) {
    throw new DriverError(
      'invalid',
      `${JSON.stringify(path)} cannot be offered: commas, control characters and relative paths do not work`,
    )
  }
  checkChap(chap)
  checkChap(mutual ?? null)
  if (mutual && !chap) throw new DriverError('invalid', 'mutual CHAP needs credentials of the initiator too')
  if (mutual && mutual.password === chap?.password) {
    throw new DriverError('invalid', 'mutual CHAP needs another password than the initiator has (RFC 7143, 9.2.1)')
  }
  const wrong = initiators.find((initiator) => !isInitiatorName(initiator))
  if (wrong === undefined) return
  const rule = 'it begins with iqn., eui. or naa. and has at most 223 letters, digits, dots, colons and hyphens'
  throw new DriverError('invalid', `${JSON.stringify(wrong.slice(0, 223))} is not an initiator's name: ${rule}`)
}

/** RFC 7143, section 4.2.7: also keeps names such as `..` out of the paths of configfs. */
function isInitiatorName(name: string): boolean {
  return /^(iqn|eui|naa)\.[\w.:-]{1,219}$/.test(name)
}

/** Throws DriverError `invalid` for a name that cannot be part of a target's name. */
export function checkName(name: string): void {
  if (!/^[A-Za-z0-9][\w.-]{0,180}$/.test(name)) {
    throw new DriverError('invalid', `${JSON.stringify(name)} cannot be part of a target's name`)
  }
}

/** Throws DriverError `aborted` when the signal has fired. */
export function stopIfAborted({ name }: ExportRequest, signal?: AbortSignal): void {
  if (signal?.aborted) throw new DriverError('aborted', `The export of ${name} was aborted`)
}

/**
 * Checks CHAP names for the kernel target: it reads `0x…` and `0b…` as numbers and a semicolon as the end of the name,
 * so no initiator could log in. Throws DriverError `invalid`.
 */
export function checkKernelNames({ chap, mutual }: ExportRequest): void {
  if ([chap, mutual].some((one) => one && /^0[xb]|;/i.test(one.username)))
    throw new DriverError('invalid', 'CHAP names of the kernel target do not begin with 0x or 0b and hold no semicolon')
}

/** LIO takes a word that begins with NULL as "none". */
function checkChap(chap: Chap | null): void {
  if (!chap) return
  const { username, password } = chap
  if (
    /^[^\s,=]{1,128}$/.test(username) &&
    /^[^\s,]{1,128}$/.test(password) &&
    ![username, password].some((word) => word.startsWith('NULL'))
  )
    return
  const rule = 'have 1 to 128 characters, no commas and no spaces, and do not begin with NULL'
  throw new DriverError('invalid', `CHAP names and passwords ${rule}`)
}
