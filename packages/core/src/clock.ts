/** Where time comes from; tests pass their own. */
export interface Clock {
  now(): Date
}

export const systemClock: Clock = { now: () => new Date() }

/** `YYYY-MM-DDTHH:MM:SS.ffffff` in UTC without a zone: how Cinder writes time. Null stays null. */
export function isoMicroseconds(value: Date | string | number | null | undefined): string | null {
  if (value === null || value === undefined) return null
  return `${new Date(value).toISOString().slice(0, 23)}000`
}

/** `YYYY-MM-DDTHH:MM:SSZ`: how Glance writes time. Null stays null. */
export function isoSeconds(value: Date | string | number | null | undefined): string | null {
  if (value === null || value === undefined) return null
  return `${new Date(value).toISOString().slice(0, 19)}Z`
}
