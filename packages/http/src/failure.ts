import {
  commonErrors,
  HearthError as Failure,
  type HearthError,
  isDiskFull,
  isHearthError,
  isOutOfFiles,
  type Logger,
} from '@hearth/core'

/** Turns a thrown value into an error that may be shown; logs an unexpected one and makes it 500 without details. */
export function toHearthError(error: unknown, log: Logger): HearthError {
  if (isHearthError(error)) {
    if (error.status >= 500) log.error({ err: error }, error.message)
    return error
  }
  const { code = '', statusCode } = error as { code?: string; statusCode?: number }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return commonErrors.TooLarge({}, error)
  if (code === 'FST_ERR_BAD_URL') return commonErrors.BadRequest({ reason: 'The URL is not valid.' }, error)
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return commonErrors.BadRequest({ reason: (error as Error).message }, error)
  log.error({ err: error }, 'unexpected error')
  if (isDiskFull(error)) return commonErrors.InsufficientStorage({}, error)
  if (isOutOfFiles(error)) return commonErrors.ServiceUnavailable({ reason: 'too many open files' }, error)
  const message = 'The server has either erred or is incapable of performing the requested operation.'
  return new Failure({ code: 'InternalError', status: 500, message, cause: error })
}
