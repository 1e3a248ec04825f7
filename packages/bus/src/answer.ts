import { errorTable, HearthError, isHearthError } from '@hearth/core'

/** The reply to a call as it is sent back: the handler's value or its error. */
export type Answer =
  | { value: unknown }
  | {
      error: {
        code: string
        status: number
        message: string
        params: Record<string, unknown>
        headers: Record<string, string>
      }
    }

const errors = errorTable({
  MessagingTimeout: [502, 'No answer to {topic} from {target}: {reason}.'],
  RemoteError: [500, 'The call {topic} to {target} failed unexpectedly.'],
})

/** Returns the error MessagingTimeout (502) for a call without a reply. */
export function timeoutOf(topic: string, target: string, reason: string): HearthError {
  return errors.MessagingTimeout({ topic, target, reason })
}

/** Returns the reply for a handler's error; an error that is no HearthError becomes RemoteError without details. */
export function failureAnswer(error: unknown, topic: string, target: string): Answer {
  const known = isHearthError(error) ? error : errors.RemoteError({ topic, target })
  const { code, status, message, params, headers } = known
  return { error: { code, status, message, params, headers } }
}

/** Returns the value of a reply, or throws the handler's error. */
export function openAnswer(answer: Answer): unknown {
  if ('value' in answer) return answer.value
  if ('error' in answer) throw new HearthError(answer.error)
  // JSON omits a value that is undefined.
  return undefined
}
