import fc from 'fast-check'
import { tempUrl } from '../../../packages/swift/src/proxy/features/temp-url/feature.ts'
import { answerOrRefusal, proxyDeps, requestOf } from '../swift-request.ts'
import { define } from '../target.ts'
import { text } from '../values.ts'

const or = (...words: string[]) =>
  fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...words) }, { weight: 1, arbitrary: text })

/** The parameters of signed links; none of them opens anything without the key. */
export const target = define({
  surface: 'process',
  memoryMiB: 300,
  open: async () => ({
    cases: fc.record({
      method: fc.constantFrom('GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'COPY'),
      object: fc.option(text),
      query: fc.record(
        {
          temp_url_sig: or('a'.repeat(40), 'a'.repeat(64), 'sha256:YQ==', 'sha512:', ''),
          temp_url_expires: or(
            '4102444800',
            '2100-01-01T00:00:00Z',
            '1e400',
            '٣',
            '99999999999999999999',
            '2100-13-45',
          ),
          temp_url_prefix: or('', 'a', '/'),
          temp_url_ip_range: or(
            '127.0.0.1',
            '10.0.0.0/8',
            '::/0',
            '1.2.3.4/99',
            '1.2.3.4/-1',
            '/',
            '::1/x',
            '1.2.3.4/8/8',
          ),
          filename: or('a'),
          inline: or(''),
        },
        { requiredKeys: [] },
      ),
    }),
    async run({ method, object, query }) {
      let passed = false
      const next = async () => {
        passed = true
        return { status: 200, headers: {} }
      }
      const request = requestOf({ method, object, query, headers: {}, body: (async function* () {})() })
      const answer = await answerOrRefusal(() => tempUrl.wrap(next, proxyDeps)(request))
      const signed = query.temp_url_sig !== undefined || query.temp_url_expires !== undefined
      if (passed && signed && request.query.temp_url_sig !== undefined) throw new Error('opens without the key')
      if (answer.status >= 500) throw new Error(`answers ${answer.status}`)
    },
  }),
})
