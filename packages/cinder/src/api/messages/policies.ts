import { member, reader } from '../policies.ts'

/** Upstream's rules about user messages (cinder/policies/messages.py). */
export const messagePolicies: Record<string, string> = {
  'message:get_all': reader,
  'message:get': reader,
  'message:delete': member,
}
