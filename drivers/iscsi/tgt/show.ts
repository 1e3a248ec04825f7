/** A target in the output of `tgtadm --mode target --op show`. */
export interface ShownTarget {
  tid: number
  iqn: string
  /** Backing path of LUN 1. */
  path: string | null
  accounts: string[]
  /** Initiators that may log in: names, addresses or `ALL`. */
  allowed: string[]
  /** Initiators that are logged in. */
  sessions: string[]
}

/** Reads tgtd's text. */
export function parseTargets(text: string): ShownTarget[] {
  const targets: ShownTarget[] = []
  let section = ''
  let lun = ''
  for (const line of text.split('\n')) {
    const head = /^Target (\d+): (.+)$/.exec(line)
    if (head) {
      targets.push({ tid: Number(head[1]), iqn: head[2]!, path: null, accounts: [], allowed: [], sessions: [] })
      continue
    }
    const target = targets.at(-1)
    if (!target) continue
    const title = /^ {4}(\S.*) information:$/.exec(line)
    if (title) {
      section = title[1]!
      continue
    }
    const item = line.trim()
    if (section === 'Account' && item) target.accounts.push(item.replace(/ \(outgoing\)$/, ''))
    else if (section === 'ACL' && item) target.allowed.push(item)
    else if (item.startsWith('LUN: ')) lun = item.slice(5)
    else if (item.startsWith('Initiator: ')) target.sessions.push(item.slice(11).replace(/ alias: .*$/, ''))
    else if (lun === '1' && item.startsWith('Backing store path: ')) target.path = item.slice(20)
  }
  return targets
}

/** `address:port` of each `Portal: address:port,group` line. */
export function parsePortals(text: string): string[] {
  return [...text.matchAll(/^Portal: (.+),\d+$/gm)].map((match) => match[1]!)
}
