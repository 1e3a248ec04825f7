/**
 * Milliseconds that one test of a suite may take: a driver's storage may be a busy host, and the runner's default is
 * short.
 */
export const patience = { timeout: 600_000 }
