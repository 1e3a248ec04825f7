import { errorTable, HearthError, isHearthError } from '@hearth/core'

/** What a handler made of a call, as it travels back. */
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

export function timeoutOf(topic: string, target: string, reason: string): HearthError {
  return errors.MessagingTimeout({ topic, target, reason })
}

export function failureAnswer(error: unknown, topic: string, target: string): Answer {
  const known = isHearthError(error) ? error : errors.RemoteError({ topic, target })
  const { code, status, message, params, headers } = known
  return { error: { code, status, message, params, headers } }
}

/** The value, or throws the handler's error again. */
export function openAnswer(answer: Answer): unknown {
  if ('value' in answer) return answer.value
  if ('error' in answer) throw new HearthError(answer.error)
  // JSON leaves out a value that is undefined.
  return undefined
}
