import { own } from '@hearth/core'

const trueTexts: Record<string, boolean> = { true: true, t: true, yes: true, y: true, on: true, '1': true }

const isTrueText = (text: string): boolean => own(trueTexts, text.toLowerCase()) ?? false

const numericOperators: Record<string, (a: number, b: number) => boolean> = {
  '=': (a, b) => a >= b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
}

const textOperators: Record<string, (a: string, b: string) => boolean> = {
  's==': (a, b) => a === b,
  's!=': (a, b) => a !== b,
  's<': (a, b) => a < b,
  's<=': (a, b) => a <= b,
  's>': (a, b) => a > b,
  's>=': (a, b) => a >= b,
}

/** Returns true if a capability meets the value of an extra spec (cinder/scheduler/filters/extra_specs_ops.py). */
export function meetsSpec(value: unknown, wanted: string): boolean {
  const text = pythonText(value)
  const words = wanted.trim().split(/\s+/)
  const [operator = '', ...rest] = words
  const operand = rest.join(' ')
  if (operator === '<in>') return text.includes(operand)
  if (operator === '<is>') return isTrueText(text) === isTrueText(operand)
  if (operator === '<or>') return wanted.split('<or>').some((choice) => choice.trim() !== '' && choice.trim() === text)
  if (Object.hasOwn(textOperators, operator)) return textOperators[operator]!(text, operand)
  if (Object.hasOwn(numericOperators, operator)) {
    const [a, b] = [Number(text), Number(operand)]
    return !Number.isNaN(a) && !Number.isNaN(b) && numericOperators[operator]!(a, b)
  }
  return text === wanted
}

function pythonText(value: unknown): string {
  if (value === true) return 'True'
  if (value === false) return 'False'
  return String(value)
}
