import { certificateProblem, commonErrors, type HearthError } from '@hearth/core'

/**
 * Why a service did not respond, as ServiceUnavailable (503); for a certificate that is not accepted it says so, and
 * names the settings to change.
 */
export function unreachable(url: string, cause: unknown, settings = 'tls.authority'): HearthError {
  const problem = certificateProblem(cause)
  const reason =
    problem === null ? `${url} does not answer` : `the certificate of ${url} is not accepted (${settings}): ${problem}`
  return commonErrors.ServiceUnavailable({ reason }, cause)
}
