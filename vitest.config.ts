import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const unit = ['packages/**/*.test.ts', 'drivers/**/*.test.ts', 'ring/**/*.test.ts', 'bench/**/*.test.ts']
const project = (name: string, include: string[], testTimeout: number, more: object = {}) => ({
  test: { name, include, testTimeout, hookTimeout: testTimeout, pool: 'forks' as const, ...more },
})
const alone = { fileParallelism: false }
const onOneSuite = { globalSetup: ['test/suite.ts'] }
const api = (name: string) => project(name, ['test/api/**/*.test.ts'], 120_000, onOneSuite)

const longest = ['nfs', 'lvm', 'iscsi', 'os-brick']

/** Begins with the longest files of real parts, so that no processor waits for them at the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const found = longest.findIndex((name) => moduleId.includes(`/test/real/${name}`))
      return found === -1 ? longest.length : found
    }
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}

export default defineConfig({
  test: {
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      project('layout', ['test/layout.test.ts'], 180_000),
      project('unit', unit, 60_000),
      api('api'),
      api('api-mariadb'),
      api('api-postgres'),
      project('fuzz', ['test/fuzz/**/*.test.ts'], 180_000, { ...onOneSuite, ...alone, maxConcurrency: 4 }),
      project('attack', ['test/attack/**/*.test.ts'], 180_000, { ...onOneSuite, ...alone }),
      project('clients', ['test/clients/**/*.test.ts'], 600_000, alone),
      project('real', ['test/real/**/*.test.ts'], 300_000),
      project('cluster', ['test/cluster/**/*.test.ts'], 1_800_000, alone),
    ],
  },
})
