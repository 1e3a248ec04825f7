/** A cloud that has been started for one storm. */
export interface RunningCloud {
  /** `OS_…` variables. */
  env: Record<string, string>
  stop(): Promise<void>
}

/** The variables of `KEY=value` lines, with or without `export`. */
export function variablesOf(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/^(?:export )?(OS_\w+)='?(.*?)'?$/gm)].map((match) => [match[1]!, match[2]!]),
  )
}
