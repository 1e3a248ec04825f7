import type { Route } from '@hearth/http'
import type { ApiDeps } from '../deps.ts'
import { deactivateImage, reactivateImage } from './activate.ts'
import { createImage } from './create.ts'
import { deleteImage } from './delete.ts'
import { downloadImage } from './download.ts'
import { listImages } from './list.ts'
import { createBody } from './schema.ts'
import { showImage } from './show.ts'
import { updateImageAttributes } from './update.ts'
import { uploadImage } from './upload.ts'

export const imageRoutes: Route<ApiDeps>[] = [
  { method: 'GET', path: '/images', policy: 'get_images', status: 200, operation: listImages },
  { method: 'POST', path: '/images', policy: 'default', body: createBody, status: 201, operation: createImage },
  { method: 'GET', path: '/images/:image_id', policy: 'get_image', status: 200, operation: showImage },
  {
    method: 'PATCH',
    path: '/images/:image_id',
    policy: 'modify_image',
    status: 200,
    operation: updateImageAttributes,
  },
  { method: 'DELETE', path: '/images/:image_id', policy: 'delete_image', status: 204, operation: deleteImage },
  {
    method: 'PUT',
    path: '/images/:image_id/file',
    policy: 'upload_image',
    stream: true,
    status: 204,
    operation: uploadImage,
  },
  { method: 'GET', path: '/images/:image_id/file', policy: 'download_image', status: 200, operation: downloadImage },
  {
    method: 'POST',
    path: '/images/:image_id/actions/deactivate',
    policy: 'deactivate',
    status: 204,
    operation: deactivateImage,
  },
  {
    method: 'POST',
    path: '/images/:image_id/actions/reactivate',
    policy: 'reactivate',
    status: 204,
    operation: reactivateImage,
  },
]
