import { certificateProblem, commonErrors, type HearthError } from '@hearth/core'

/** Why a service did not respond, as ServiceUnavailable (503); a certificate that is not accepted is named as such. */
export function unreachable(url: string, cause: unknown): HearthError {
  const problem = certificateProblem(cause)
  const reason =
    problem === null
      ? `${url} does not answer`
      : `the certificate of ${url} is not accepted (tls.authority): ${problem}`
  return commonErrors.ServiceUnavailable({ reason }, cause)
}
