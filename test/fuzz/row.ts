/** The part of a route table's row that requests are drawn from. */
export interface Row {
  method: string | readonly string[]
  path: string
  policy: string | null
  action?: string
  body?: Record<string, unknown>
  stream?: boolean
}
