import { HearthError } from '@hearth/core'
import { errors } from '../errors.ts'

/** The 413 error of this name, with `Retry-After: 0` as upstream's QuotaError carries it. */
export function overQuota(code: keyof typeof errors, params: Record<string, unknown>): HearthError {
  const { message, status } = errors[code](params)
  return new HearthError({ code, status, message, params, headers: { 'Retry-After': '0' } })
}
