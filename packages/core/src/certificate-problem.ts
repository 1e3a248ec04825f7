const untrusted =
  /^(UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CERT_|CRL_|ERROR_IN_CERT|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|HOSTNAME_MISMATCH|ERR_TLS_CERT_)/

/** Node's advice after OpenSSL's words is of another way than ours. */
const hint = /; if the root CA .*$/s

/** Returns the reason why a server's certificate was not accepted, in OpenSSL's words; null for any other failure. */
export function certificateProblem(error: unknown): string | null {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth += 1) {
    const { code, message } = at as Error & { code?: unknown }
    // mysql2 puts this in place of the code of a handshake that failed.
    const isTold = code === 'HANDSHAKE_SSL_ERROR' || (typeof code === 'string' && untrusted.test(code))
    if (isTold) return message.replace(hint, '')
    if (at instanceof AggregateError) {
      const inner = at.errors.map(certificateProblem).find((problem) => problem !== null)
      if (inner !== undefined) return inner
    }
  }
  return null
}
