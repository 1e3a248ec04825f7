import { randomUUID } from 'node:crypto'
import type { Runner } from '../src/index.ts'

/** A file that only a shell which took data for commands would make. */
export interface Canary {
  path: string
  /** Whether it was made on the host of `run`; removes it. */
  sang(run: Runner): Promise<boolean>
}

/** The path has few characters, so that names which carry it are refused for what they are and not for their length. */
export function openCanary(): Canary {
  const path = `/tmp/c-${randomUUID().slice(0, 8)}`
  return {
    path,
    async sang(run) {
      const { exitCode } = await run(['sh', '-c', 'test -e "$1" && rm -f "$1"', 'sh', path], { allow: [0, 1] })
      return exitCode === 0
    },
  }
}

/** Texts that a shell would execute when badly quoted, one for each way; `word` comes first. */
export function shellTraps(word: string, canary: Canary): string[] {
  const command = `touch ${canary.path}`
  return [
    `${word}$(${command})`,
    `${word}\`${command}\``,
    `${word};${command}`,
    `${word}\n${command}`,
    `${word}';${command};'`,
    `${word}";${command};"`,
    `${word}|${command}`,
    `${word} && ${command}`,
  ]
}
