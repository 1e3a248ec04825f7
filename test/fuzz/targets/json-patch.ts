import { isHearthError } from '@hearth/core'
import fc from 'fast-check'
import { parsePatch } from '../../../packages/glance/src/api/images/patch.ts'
import { define, refusedOr } from '../target.ts'
import { inheritedNames, json, text } from '../values.ts'

const pointer = fc.oneof(
  fc.constantFrom(
    '/name',
    '/tags',
    '/locations/0',
    '/locations/-',
    '/a~1b',
    '/~2',
    '//',
    '/',
    '',
    'name',
    '/__proto__',
    '/a/b',
    '/ ',
  ),
  fc.constantFrom(...inheritedNames).map((name) => `/${name}`),
  text.map((rest) => `/${rest}`),
)
const op = fc.oneof({ weight: 6, arbitrary: fc.constantFrom('add', 'replace', 'remove', 'move', 'copy', 'test') }, json)
const entry = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record(
      { op, path: fc.oneof({ weight: 6, arbitrary: pointer }, json), value: json },
      { requiredKeys: ['op'] },
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom('add', 'replace', 'remove', 'test'), pointer, json)
      .map(([name, at, value]) => ({ [name]: at, value })),
  },
  { weight: 1, arbitrary: json },
)

/** JSON-patch documents in both spellings: read, or refused with a status of 4xx. */
export const target = define({
  surface: 'process',
  memoryMiB: 300,
  open: async () => ({
    cases: fc.record({
      old: fc.boolean(),
      body: fc.oneof({ weight: 8, arbitrary: fc.array(entry, { maxLength: 6 }) as fc.Arbitrary<unknown> }, json),
    }),
    async run({ old, body }) {
      const type = `application/openstack-images-v2.${old ? 0 : 1}-json-patch`
      const changes = await refusedOr(
        () => parsePatch(type, body),
        (error) => isHearthError(error) && error.status >= 400 && error.status < 500,
      )
      for (const { path } of changes ?? []) if (!path[0]) throw new Error('reads a change of nothing')
    },
  }),
})
