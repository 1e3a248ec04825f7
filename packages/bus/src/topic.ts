import type { Transaction } from '@hearth/database'

/**
 * A kind of message. `cast` is delivered at least once, survives crashes, and has no answer; `call` waits for an answer
 * and is lost with its caller; `fanout` reaches every listener that is up.
 */
export interface Topic<P = unknown, R = unknown> {
  /** Unique, e.g. `volume.create`. */
  name: string
  kind: 'cast' | 'call' | 'fanout'
  /** JSON schema of the payload; checked on both ends. */
  payload: object
  /** Types only. */
  readonly types?: { payload: P; reply: R }
}

/** What of a request travels along with a message. No token: whoever acts later acts with its own. */
export interface MessageContext {
  requestId: string
  userId: string | null
  projectId: string | null
}

export interface Message<P> {
  /** The same on every delivery of one message. */
  id: string
  payload: P
  context: MessageContext
  /** 1 at first, more when delivered again. */
  attempt: number
}

export interface Bus {
  /**
   * Puts a cast into the outbox inside the caller's transaction; it is delivered after the commit, and only then.
   * `target` names who takes it, e.g. `host1@file`; one of those serving the same topic and target gets it.
   */
  cast<P>(tx: Transaction, topic: Topic<P>, target: string, payload: P, context: MessageContext): Promise<void>
  /** Asks and waits. Throws HearthError `MessagingTimeout` (status 502), or the error the handler threw (code, status, message). */
  call<P, R>(topic: Topic<P, R>, target: string, payload: P, context: MessageContext, timeoutMs?: number): Promise<R>
  /** Tells every listener; never waits, never fails. */
  fanout<P>(topic: Topic<P>, payload: P, context: MessageContext): void
  /**
   * Takes messages. A cast is acknowledged when the handler returns or throws a HearthError (logged); on any other
   * error, or a crash, it is delivered again with growing pauses, so handlers must bear repetition.
   */
  serve<P, R>(topic: Topic<P, R>, target: string, handler: (message: Message<P>) => Promise<R>): Promise<void>
  /** Whether messages can be sent and taken now. */
  isConnected(): boolean
  /** Stops taking messages and waits for running handlers, at most `graceMs` (default 10 s). */
  close(graceMs?: number): Promise<void>
}
