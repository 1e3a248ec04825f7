import type { Schema } from '@hearth/http'

const text = { type: 'string' }
const name = { type: 'string', minLength: 1 }

/** Returns the schema of an object with these members and no others. */
const closed = (properties: Schema, more: Schema = {}): Schema => ({
  type: 'object',
  properties,
  additionalProperties: false,
  ...more,
})
const idOrName = { anyOf: [{ required: ['id'] }, { required: ['name'] }] }

const domain = closed({ id: text, name }, idOrName)
const user = closed({ id: text, name, password: text, domain })
const totpUser = closed({ id: text, name, domain, passcode: text }, { required: ['passcode'] })
const appCredential = closed(
  { id: text, name, secret: text, user },
  { required: ['secret'], anyOf: [{ required: ['id'] }, { required: ['name', 'user'] }] },
)
const project = closed({ id: text, name, domain }, { anyOf: [{ required: ['id'] }, { required: ['name', 'domain'] }] })

// Other members are allowed here: the operation refuses an unknown method with 401, as Keystone does.
const identity = {
  type: 'object',
  required: ['methods'],
  properties: {
    methods: { type: 'array', items: text },
    password: closed({ user }, { required: ['user'] }),
    token: closed({ id: text }, { required: ['id'] }),
    application_credential: appCredential,
    totp: closed({ user: totpUser }, { required: ['user'] }),
  },
}

const scope = {
  oneOf: [
    { type: 'string', const: 'unscoped' },
    closed(
      {
        project,
        domain,
        system: closed({ all: { const: true } }, { required: ['all'] }),
        unscoped: {},
        'OS-TRUST:trust': closed({ id: text }, { required: ['id'] }),
      },
      { maxProperties: 1 },
    ),
  ],
}

/** Schema of the body of POST /auth/tokens. The operation checks which method needs which object. */
export const authRequest = closed(
  { auth: closed({ identity, scope }, { required: ['identity'] }) },
  { required: ['auth'] },
)
