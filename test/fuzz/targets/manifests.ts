import fc from 'fast-check'
import { Refusal } from '../../../packages/swift/src/model/response.ts'
import { parseManifest, segmentsOf } from '../../../packages/swift/src/proxy/features/static-large-objects/manifest.ts'
import { define, refusedOr } from '../target.ts'
import { bytes, damage, damages, json, jsonText } from '../values.ts'

const or = (...values: unknown[]) =>
  fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...values) }, { weight: 1, arbitrary: json })
const wish = fc.record(
  {
    path: or('/c/o', 'c/o', '/c', '//', '/c/o/p', ''),
    etag: or(null, 'x'),
    size_bytes: or(1, '1', 0, -1, null, 1.5, '٣'),
    range: or('0-1', '-1', '5-', '1-0', '0-1,2-3', '0-99999999999999999999', '-'),
    data: or('YQ==', '', '!', 'YQ'),
    extra: json,
  },
  { requiredKeys: [] },
)
const listing = fc.array(fc.oneof({ weight: 6, arbitrary: wish as fc.Arbitrary<unknown> }, json), { maxLength: 5 })

/** Manifests of static large objects, as clients send them. */
export const target = define({
  surface: 'process',
  memoryMiB: 400,
  open: async () => ({
    cases: fc.oneof(
      { weight: 6, arbitrary: fc.tuple(listing.map(jsonText), damages).map(([whole, some]) => [whole, some] as const) },
      { weight: 1, arbitrary: fc.tuple(fc.oneof(json.map(jsonText), bytes), damages) },
    ),
    async run([whole, changes]) {
      const wishes = await refusedOr(
        () => parseManifest(damage(Buffer.from(whole as string), changes)),
        (error) => error instanceof Refusal && [400, 413].includes(error.response.status),
      )
      if (!wishes) return
      for (const { path, data } of wishes)
        if ((path === undefined) === (data === undefined)) throw new Error('takes an element of neither kind')
      const stored = wishes.map(({ path, range, data }) => ({
        name: path,
        bytes: 100,
        range: data ? undefined : range,
        data,
      }))
      for (const { size } of segmentsOf(stored as never)) if (!(size >= 0)) throw new Error('a segment without a size')
    },
  }),
})
