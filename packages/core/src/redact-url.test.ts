import { expect, test } from 'vitest'
import { redactUrl } from './redact-url.ts'

test.each([
  ['mysql://u:canary@db:3306/hearth', 'mysql://u:***@db:3306/hearth'],
  ['postgres://db/hearth?password=canary', 'postgres://db/hearth?***'],
  ['amqp://u:p%40:canary@host:5672/v', 'amqp://u:***@host:5672/v'],
  ['amqp://u:ca@canary@host:5672/v', 'amqp://u:***@host:5672/v'],
  ['mysql//u:canary@db', '***'],
  ['mysql:u:canary@db/hearth', '***'],
  ['mysql://u:canary', '***'],
  ['mysql://u:3306/canary@db/hearth', '***'],
  ['mysql://u:12#canary@db/hearth', '***'],
  ['canary', '***'],
])('%s is shown as %s', (url, shown) => {
  expect(redactUrl(url)).toBe(shown)
})
