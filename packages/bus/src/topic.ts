import type { Transaction } from '@hearth/database'

/**
 * A kind of message. A `cast` is delivered at least once, survives crashes, and has no reply; a `call` waits for a
 * reply and is lost when its caller ends; a `fanout` reaches every listener that is running.
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

/** The part of a request's context that a message carries. It has no token: the handler uses its own. */
export interface MessageContext {
  requestId: string
  userId: string | null
  projectId: string | null
}

export interface Message<P> {
  /** Stays the same on every delivery of one message. */
  id: string
  payload: P
  context: MessageContext
  /** Number of this delivery, from 1. */
  attempt: number
}

export interface Bus {
  /**
   * Puts a cast into the outbox inside the caller's transaction; it is delivered after the commit, and only then.
   * `target` names the receiver, e.g. `host1@file`; one of the processes that serve this topic and target gets it.
   */
  cast<P>(tx: Transaction, topic: Topic<P>, target: string, payload: P, context: MessageContext): Promise<void>
  /**
   * Sends a call and returns its reply. Throws HearthError `MessagingTimeout` (status 502), or the error that the
   * handler threw (code, status, message).
   */
  call<P, R>(topic: Topic<P, R>, target: string, payload: P, context: MessageContext, timeoutMs?: number): Promise<R>
  /** Sends a message to every listener; never waits, never fails. */
  fanout<P>(topic: Topic<P>, payload: P, context: MessageContext): void
  /**
   * Starts to take messages. A cast is acknowledged when the handler returns or throws a HearthError (logged); on any
   * other error, or a crash, it is delivered again with growing pauses, so handlers must bear repetition.
   */
  serve<P, R>(topic: Topic<P, R>, target: string, handler: (message: Message<P>) => Promise<R>): Promise<void>
  /** Returns true when messages can be sent and taken now. */
  isConnected(): boolean
  /** Stops taking messages and waits for running handlers, at most `graceMs` (default 10 s). */
  close(graceMs?: number): Promise<void>
}
