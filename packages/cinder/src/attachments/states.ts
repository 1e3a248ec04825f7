import type { StateTable } from '@hearth/core'

/** What an attachment's status (`attach_status` on the wire) may become. */
export const attachmentStates: StateTable = {
  reserved: ['attaching', 'attached', 'error_attaching'],
  attaching: ['attaching', 'attached', 'error_attaching', 'reserved'],
  attached: ['attached', 'attaching', 'error_detaching'],
  error_attaching: ['attaching'],
  error_detaching: ['attached'],
}
