import { defineConfig } from 'vitest/config'

const unit = ['packages/**/*.test.ts', 'drivers/**/*.test.ts', 'ring/**/*.test.ts', 'bench/**/*.test.ts']
const project = (name: string, include: string[], testTimeout: number, more: object = {}) => ({
  test: { name, include, testTimeout, hookTimeout: testTimeout, pool: 'forks' as const, ...more },
})
const alone = { fileParallelism: false }
const api = (name: string) => project(name, ['test/api/**/*.test.ts'], 120_000, { globalSetup: ['test/suite.ts'] })

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      project('layout', ['test/layout.test.ts'], 20_000),
      project('unit', unit, 60_000),
      api('api'),
      api('api-mariadb'),
      api('api-postgres'),
      project('clients', ['test/clients/**/*.test.ts'], 600_000, alone),
      project('real', ['test/real/**/*.test.ts'], 300_000),
      project('cluster', ['test/cluster/**/*.test.ts'], 1_800_000, alone),
    ],
  },
})
