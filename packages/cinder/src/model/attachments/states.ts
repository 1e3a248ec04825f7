import type { StateTable } from '@hearth/core'

/** The allowed changes of an attachment's status (`attach_status` on the wire). */
export const attachmentStates: StateTable = {
  reserved: ['attaching', 'attached', 'error_attaching'],
  attaching: ['attaching', 'attached', 'error_attaching', 'reserved'],
  attached: ['attached', 'attaching', 'error_detaching'],
  error_attaching: ['attaching'],
  error_detaching: ['attached'],
}
