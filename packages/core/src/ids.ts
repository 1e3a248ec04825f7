import { randomBytes, randomUUID } from 'node:crypto'

/** A random UUID with dashes: volumes, snapshots, images. */
export const uuid = (): string => randomUUID()

/** 32 hex digits, a UUID without dashes: users, projects, roles. */
export const hexId = (): string => randomUUID().replaceAll('-', '')

/** Returns a new request id: `req-` and a UUID. */
export const requestId = (): string => `req-${randomUUID()}`

/** `bytes` of randomness as URL-safe base64 without padding: passwords and secrets. */
export const randomSecret = (bytes = 24): string => randomBytes(bytes).toString('base64url')

const uuidPattern = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i
/** True for the text of a UUID. */
export const isUuid = (text: unknown): text is string => typeof text === 'string' && uuidPattern.test(text)
