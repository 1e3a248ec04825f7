import { escapeXml } from '../../listings/format.ts'

export interface WebLine {
  name?: string
  subdir?: string
  bytes?: number
  last_modified?: string
}

/** The HTML page of a pseudo-directory. */
export function listingPage(options: { label: string; prefix: string; lines: WebLine[]; css: string | null }): string {
  const { label, prefix, lines, css } = options
  const title = escapeXml(`Listing of ${label}${prefix}`)
  const style = css
    ? `<link rel="stylesheet" type="text/css" href="${escapeXml(css)}" />`
    : '<style type="text/css">table {border-collapse: collapse} td, th {padding: 0 1em 0 0; text-align: left}</style>'
  const rows = lines.map((line) => {
    const name = (line.subdir ?? line.name ?? '').slice(prefix.length)
    const link = `<a href="${encodeURIComponent(name).replaceAll('%2F', '/')}">${escapeXml(name)}</a>`
    const kind = line.subdir === undefined ? 'item' : 'item subdir'
    const [size, time] =
      line.subdir === undefined
        ? [String(line.bytes ?? 0), (line.last_modified ?? '').slice(0, 19).replace('T', ' ')]
        : ['&nbsp;', '&nbsp;']
    return `<tr class="${kind}"><td class="colname">${link}</td><td class="colsize">${size}</td><td class="coldate">${time}</td></tr>`
  })
  const up =
    prefix === ''
      ? ''
      : '<tr id="parent" class="item"><td class="colname"><a href="../">../</a></td><td></td><td></td></tr>'
  return `<!DOCTYPE html>
<html><head><title>${title}</title>${style}</head>
<body><h1 id="title">${title}</h1>
<table id="listing"><tr id="heading"><th class="colname">Name</th><th class="colsize">Size</th><th class="coldate">Date</th></tr>
${up}${rows.join('\n')}
</table></body></html>
`
}
