import { refuse } from '../../../model/response.ts'

/** The longest line, bytes: twice the longest path with every byte percent-encoded, as in Swift's bulk.py. */
const longestLine = 2 * 3 * (256 + 1024 + 2)

/** Reads lines that are not blank. Throws a 413 for more than `most` of them and a 400 for one that is too long. */
export async function readLines(body: AsyncIterable<Buffer>, most: number): Promise<string[]> {
  const lines: string[] = []
  const add = (text: string) => {
    if (text.length > longestLine) throw refuse(400, 'Invalid File Name')
    if (text.trim() !== '') lines.push(text.trim())
    if (lines.length > most) throw refuse(413, `Maximum Bulk Deletes: ${most} per request`)
  }
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const pieces = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = pieces.pop()!
    for (const piece of pieces) add(piece)
    if (rest.length > longestLine) throw refuse(400, 'Invalid File Name')
  }
  add(rest + decoder.decode())
  return lines
}
