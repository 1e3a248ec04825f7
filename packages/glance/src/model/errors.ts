import { errorTable } from '@hearth/core'

/** Every error of the image service. Codes are ours; statuses and the sense of messages are Glance's. */
export const glanceErrors = errorTable({
  ImageNotFound: [404, 'No image found with ID {image_id}'],
  ImageDataNotFound: [404, 'No image data could be found'],
  ImageForbidden: [403, 'You are not permitted to {action} this image.'],
  ImageProtected: [403, 'Image {image_id} is protected and cannot be deleted.'],
  ImageDeactivated: [403, 'The requested image has been deactivated. Image data download is forbidden.'],
  ReadOnlyAttribute: [403, "Attribute '{name}' is read-only."],
  ReservedAttribute: [403, "Attribute '{name}' is reserved."],
  BadRequest: [400, '{reason}'],
  Forbidden: [403, '{reason}'],
  NotFound: [404, '{reason}'],
  Conflict: [409, '{reason}'],
  Gone: [410, '{reason}'],
  OverLimit: [413, '{reason}'],
  StorageFull: [413, 'Image storage media is full: {reason}'],
  StoreUnavailable: [503, 'The image store does not answer: {reason}'],
  DuplicateImage: [409, 'Image ID {image_id} already exists!'],
  ImageInUse: [409, 'Image {image_id} could not be deleted because it is in use: {reason}'],
  StatusConflict: [409, 'Image status transition from {from} to {to} is not allowed'],
  UnsupportedMediaType: [415, '{reason}'],
  InvalidImageData: [415, 'Image content is not acceptable: {reason}'],
  RangeNotSatisfiable: [416, 'The range {range} cannot be satisfied.'],
})
