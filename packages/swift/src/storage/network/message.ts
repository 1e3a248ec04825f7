import { own } from '@hearth/core'

/**
 * Values between hosts: a JSON text, in which bytes are references, then the bytes. Layout: uint32 length of the text,
 * the text, and each run of bytes in turn.
 */
interface Reference {
  $bytes: [start: number, length: number]
}

/** Returns the message of a value. */
export function encodeMessage(value: unknown): Buffer {
  const parts: Uint8Array[] = []
  let length = 0
  const text = JSON.stringify(value ?? null, function replace(this: Record<string, unknown>, key, member: unknown) {
    // Buffers have a toJSON of their own, so the value is taken from its holder.
    const original = own(this, key)
    if (!(original instanceof Uint8Array)) return member
    parts.push(original)
    const reference: Reference = { $bytes: [length, original.length] }
    length += original.length
    return reference
  })
  const head = Buffer.alloc(4)
  const json = Buffer.from(text)
  head.writeUInt32BE(json.length)
  return Buffer.concat([head, json, ...parts])
}

/** Returns the value of a message. Throws for a damaged one. */
export function decodeMessage(message: Buffer): unknown {
  const length = message.readUInt32BE(0)
  const bytes = message.subarray(4 + length)
  return JSON.parse(message.subarray(4, 4 + length).toString(), (_key, member: unknown) => {
    if (typeof member !== 'object' || member === null || !('$bytes' in member)) return member
    const [start, size] = (member as Reference).$bytes
    return Uint8Array.from(bytes.subarray(start, start + size))
  })
}
