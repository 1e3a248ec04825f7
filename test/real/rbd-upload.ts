import { Readable } from 'node:stream'
import { quietLog as log, openDriver, openRunner } from '@hearth/driver'

/** Uploads an image without an end, for a test that kills this process. Arguments: ceph.conf, image id. */
const [conf, id] = process.argv.slice(2)
const options = { conf, user: 'cinder', pool: 'images' }
const store = await openDriver('image', '@hearth/driver-rbd', options, { run: openRunner({ log }), log })

async function* endless(): AsyncGenerator<Buffer> {
  for (;;) {
    yield Buffer.alloc(1024 ** 2, 1)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

await store.add(id!, Readable.from(endless()), null)
