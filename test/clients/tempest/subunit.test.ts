import { execa } from 'execa'
import { expect, test } from 'vitest'
import { openSubunitReader, type TestResult } from './subunit.ts'

/** Debian's own writer of the format makes the stream that is read. */
const script = `
import sys, datetime
from subunit.v2 import StreamResultToBytes
out = StreamResultToBytes(sys.stdout.buffer)
at = lambda s: datetime.datetime(2026, 1, 2, 3, 4, s, 250000, tzinfo=datetime.timezone.utc)
for name, status in (('a.good', 'success'), ('a.bad', 'fail'), ('a.off', 'skip')):
    out.status(test_id=name, test_status='inprogress', timestamp=at(5))
    if status == 'fail':
        text = ('Traceback\\n' + 'x' * 5000 + '\\nValueError: n\\u00f3\\n').encode()
        out.status(test_id=name, file_name='traceback', file_bytes=text, mime_type='text/x-traceback')
    if status == 'skip':
        out.status(test_id=name, file_name='reason', file_bytes=b'no such service', eof=True)
    out.status(test_id=name, test_status=status, test_tags=set(['worker-0', 'slow']), timestamp=at(7))
    sys.stdout.buffer.write(b'a print in between \\xb3\\n'); sys.stdout.buffer.flush()
out.status(test_id='a.last', test_status='inprogress', timestamp=at(8))
out.status(test_id='a.last', test_status='success', timestamp=at(8))
`

const expected = [
  { id: 'a.good', outcome: 'passed', reason: '', seconds: 2 },
  { id: 'a.bad', outcome: 'failed', reason: 'ValueError: nó', seconds: 2 },
  { id: 'a.off', outcome: 'skipped', reason: 'no such service', seconds: 2 },
  { id: 'a.last', outcome: 'passed', reason: '', seconds: 0 },
]

test.each([1, 7, 100_000])('a subunit stream is read the same in pieces of %s bytes', async (size) => {
  const { stdout } = await execa('/usr/bin/python3', ['-c', script], { encoding: 'buffer' })
  const results: TestResult[] = []
  const reader = openSubunitReader((result) => results.push(result))
  for (let at = 0; at < stdout.length; at += size) reader.write(Buffer.from(stdout.subarray(at, at + size)))
  expect(results).toEqual(expected)
})
