import { own } from '@hearth/core'
import type { ListingFormat } from './query.ts'

/** One line of a listing, as JSON shows it. */
export type Line = ({ name: string } & Record<string, string | number | boolean>) | { subdir: string }

/** Writes a listing; `root` and `row` are the XML elements, e.g. `container` and `object`. */
export function formatListing(
  lines: Line[],
  format: ListingFormat,
  names: { root: string; rootName: string; row: string },
): string {
  if (format === 'json') return asciiJson(lines)
  if (format === 'xml') return xml(lines, names)
  return lines.map((line) => `${'subdir' in line ? line.subdir : line.name}\n`).join('')
}

/** JSON in ASCII, as Swift writes it. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function xml(lines: Line[], names: { root: string; rootName: string; row: string }): string {
  const rows = lines.map((line) => {
    if ('subdir' in line) {
      const name = escapeXml(line.subdir as string)
      return names.row === 'object'
        ? `<subdir name="${name}"><name>${name}</name></subdir>`
        : `<subdir name="${name}" />`
    }
    const fields = Object.entries(line).map(([key, value]) => `<${key}>${escapeXml(String(value))}</${key}>`)
    return `<${names.row}>${fields.join('')}</${names.row}>`
  })
  const head = '<?xml version="1.0" encoding="UTF-8"?>'
  return `${head}\n<${names.root} name="${escapeXml(names.rootName)}">${rows.join('')}</${names.root}>`
}

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Escapes text for XML and HTML; control characters that XML cannot carry become a replacement mark. */
export function escapeXml(text: string): string {
  return (
    text
      .replace(/[&<>"]/g, (letter) => own(escapes, letter)!)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '\ufffd')
  )
}
