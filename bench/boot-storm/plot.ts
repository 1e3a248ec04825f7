/** A rectangle of the page with its two scales; y grows upwards. */
export interface Frame {
  width: number
  height: number
  left: number
  right: number
  top: number
  bottom: number
  x: Scale
  y: Scale
}

interface Scale {
  from: number
  to: number
  log?: boolean
}

export interface Line {
  name: string
  points: [x: number, y: number][]
}

/** 0 to 1 along a scale. */
function along(scale: Scale, value: number): number {
  if (!scale.log) return (value - scale.from) / (scale.to - scale.from || 1)
  const clamped = Math.max(value, scale.from)
  return Math.log(clamped / scale.from) / Math.log(scale.to / scale.from)
}

/** Returns the x coordinate in the picture, in pixels, of a value on the horizontal scale. */
export const atX = (frame: Frame, value: number): number =>
  round(frame.left + along(frame.x, value) * (frame.width - frame.left - frame.right))
/** Returns the y coordinate in the picture, in pixels from the top, of a value on the vertical scale. */
export const atY = (frame: Frame, value: number): number =>
  round(frame.height - frame.bottom - along(frame.y, value) * (frame.height - frame.top - frame.bottom))
const round = (value: number): number => Math.round(value * 10) / 10

/** Round numbers that divide a scale into about `count` parts; the decades of a logarithmic one. */
export function ticksOf(scale: Scale, count = 6): number[] {
  if (scale.log) {
    const first = Math.ceil(Math.log10(scale.from) - 1e-9)
    const last = Math.floor(Math.log10(scale.to) + 1e-9)
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => 10 ** (first + index))
  }
  const [low, high] = [Math.min(scale.from, scale.to), Math.max(scale.from, scale.to)]
  const rough = (high - low) / count || 1
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!
  const first = Math.ceil(low / step)
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(6)),
  )
}

/** Grid lines with their numbers, and what the axes mean. */
export function axes(frame: Frame, labels: { x: string; y: string }, show: (value: number) => string = String): string {
  const right = frame.width - frame.right
  const floor = frame.height - frame.bottom
  const vertical = ticksOf(frame.x).map((tick) => {
    const x = atX(frame, tick)
    return `<path class="grid" d="M${x} ${frame.top}V${floor}"/><text x="${x}" y="${floor + 16}" text-anchor="middle">${show(tick)}</text>`
  })
  const horizontal = ticksOf(frame.y).map((tick) => {
    const y = atY(frame, tick)
    return `<path class="grid" d="M${frame.left} ${y}H${right}"/><text x="${frame.left - 8}" y="${y + 4}" text-anchor="end">${show(tick)}</text>`
  })
  const names = `<text x="${right}" y="${floor + 34}" text-anchor="end" class="axis">${labels.x}</text><text x="${frame.left - 8}" y="${frame.top - 12}" class="axis">${labels.y}</text>`
  return vertical.join('') + horizontal.join('') + names
}

/** Curves with their names at the right end, moved apart where they would overlap. */
export function curves(frame: Frame, lines: Line[], isStep = false): string {
  const paths = lines.map(({ name, points }) => {
    const [first, ...rest] = points.map(([x, y]) => [atX(frame, x), atY(frame, y)] as const)
    const path = rest.map(([x, y]) => (isStep ? `H${x}V${y}` : `L${x} ${y}`)).join('')
    return `<path class="curve s-${name}" d="M${first![0]} ${first![1]}${path}"><title>${name}</title></path>`
  })
  const ends = lines
    .map(({ name, points }) => ({ name, x: atX(frame, points.at(-1)![0]), y: atY(frame, points.at(-1)![1]) }))
    .toSorted((a, b) => a.y - b.y)
  let free = Number.NEGATIVE_INFINITY
  const names = ends.map(({ name, x, y }) => {
    const place = Math.max(y, free)
    free = place + 15
    return `<text class="name" x="${x + 8}" y="${place + 4}"><tspan class="dot s-${name}">●</tspan> ${name}</text>`
  })
  return paths.join('') + names.join('')
}

/** Returns a whole SVG element around `content`, with `label` for screen readers. */
export function svg(frame: Frame, label: string, content: string): string {
  return `<svg viewBox="0 0 ${frame.width} ${frame.height}" role="img" aria-label="${label}">${content}</svg>`
}
