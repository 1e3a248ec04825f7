import { errorTable } from '@hearth/core'

/** Messages reveal no more than Keystone's: they never say whether the user, the project or the password was wrong. */
export const errors = errorTable({
  AuthenticationFailed: [401, 'The request you have made requires authentication.'],
  PasswordExpired: [401, 'The password is expired and needs to be changed for user: {user_id}.'],
  InvalidRequest: [400, '{reason}'],
  PasswordLocked: [
    400,
    'You cannot change your password at this time due to password policy disallowing password changes. Please contact your administrator to reset your password.',
  ],
  PasswordTooYoung: [
    400,
    'You cannot change your password at this time due to the minimum password age. Once you change your password, it must be used for {days} day(s) before it can be changed. Please try again in {left} day(s) or contact your administrator to reset your password.',
  ],
  PasswordUsedBefore: [
    400,
    'The new password cannot be identical to a previous password. The total number which includes the new password must be unique is {count}.',
  ],
  UnknownAuthMethod: [401, 'Attempted to authenticate with an unsupported method.'],
  Forbidden: [403, 'You are not authorized to perform the requested action: {reason}'],
  ResourceNotFound: [404, 'Could not find {kind}: {id}.'],
  TokenNotFound: [404, 'Could not find token.'],
  AlreadyExists: [409, 'Conflict occurred attempting to store {kind} - Duplicate entry found with {by}.'],
  StillInUse: [403, 'Cannot delete {kind} {id}: {reason}.'],
  Gone: [410, 'This resource is no longer offered.'],
  SigningKeysUnreadable: [
    500,
    'the token signing key {id} in the database was stored by a host with another secrets.json (member "signing"): copy that file here, or replace the key with: hearth secrets rotate --now',
  ],
})

/** Returns ResourceNotFound (404). */
export const notFound = (kind: string, id: string) => errors.ResourceNotFound({ kind, id })
/** Returns AlreadyExists (409) for a name that is taken. */
export const duplicateName = (kind: string, name: unknown) => errors.AlreadyExists({ kind, by: `name ${name}` })
/** Returns InvalidRequest (400). */
export const invalid = (reason: string) => errors.InvalidRequest({ reason })
/** Returns Forbidden (403); `reason` ends the sentence "You are not authorized to perform the requested action:". */
export const forbidden = (reason: string) => errors.Forbidden({ reason })
