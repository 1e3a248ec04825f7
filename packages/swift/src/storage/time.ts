/** A timestamp before all others, for events that never happened. */
export const never = '0000000000.00000'

/** The later of two timestamps. */
export const later = (a: string | undefined, b: string): string => (a !== undefined && a > b ? a : b)
