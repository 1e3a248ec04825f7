import { expect, test } from 'vitest'
import { checkBusUrl } from './index.ts'

const url = 'amqp://hearth:canary@broker:5672/'

test.each(['', '?heartbeat=5', 'vhost?heartbeat=5&frameMax=65536&channelMax=100'])('a URL may end with "%s"', (end) => {
  expect(() => checkBusUrl(url + end)).not.toThrow()
})

test.each(['?verify=no', '?cacertfile=/x.pem', '?heartbeat=soon', '?heartbeat=', '?heartbeat=5&heartbeat=6', '#x'])(
  'a URL that ends with "%s" is refused with what may stand there, and its password is not shown',
  (end) => {
    expect(() => checkBusUrl(url + end)).toThrow(/^(?!.*canary).*heartbeat=SECONDS, frameMax and channelMax/)
  },
)
