import { member, reader } from '../policies.ts'

/** Policies for attachments, with upstream's names (cinder/policies/attachments.py). */
export const attachmentPolicies: Record<string, string> = {
  'volume:attachment_get_all': reader,
  'volume:attachment_create': member,
  'volume:attachment_update': member,
  'volume:attachment_delete': member,
  'volume:attachment_complete': member,
  'volume:multiattach_bootable_volume': member,
}
