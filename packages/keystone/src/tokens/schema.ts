const text = { type: 'string' }
const name = { type: 'string', minLength: 1 }

const domain = {
  type: 'object',
  properties: { id: text, name },
  anyOf: [{ required: ['id'] }, { required: ['name'] }],
}

const user = {
  type: 'object',
  properties: { id: text, name, password: text, domain },
}

/** What may be asked of POST /auth/tokens; which method needs which object is the operation's to check. */
export const authRequest = {
  type: 'object',
  required: ['auth'],
  properties: {
    auth: {
      type: 'object',
      required: ['identity'],
      properties: {
        identity: {
          type: 'object',
          required: ['methods'],
          properties: {
            methods: { type: 'array', items: text },
            password: { type: 'object', required: ['user'], properties: { user } },
            token: { type: 'object', required: ['id'], properties: { id: text } },
            application_credential: {
              type: 'object',
              required: ['secret'],
              properties: { id: text, name, secret: text, user },
              anyOf: [{ required: ['id'] }, { required: ['name', 'user'] }],
            },
          },
        },
        scope: {
          oneOf: [
            { type: 'string', const: 'unscoped' },
            {
              type: 'object',
              maxProperties: 1,
              properties: {
                project: {
                  type: 'object',
                  properties: { id: text, name, domain },
                  anyOf: [{ required: ['id'] }, { required: ['name', 'domain'] }],
                },
                domain,
                system: { type: 'object', required: ['all'], properties: { all: { const: true } } },
                unscoped: {},
                'OS-TRUST:trust': { type: 'object', required: ['id'], properties: { id: text } },
              },
              additionalProperties: false,
            },
          ],
        },
      },
    },
  },
}

interface DomainReference {
  id?: string
  name?: string
}

export interface UserInput {
  id?: string
  name?: string
  domain?: DomainReference
  password?: string
}

export interface IdentityInput {
  methods: string[]
  password?: { user: UserInput }
  token?: { id: string }
  application_credential?: { id?: string; name?: string; secret: string; user?: UserInput }
}

export type ScopeInput =
  | 'unscoped'
  | {
      project?: { id?: string; name?: string; domain?: DomainReference }
      domain?: DomainReference
      system?: { all: true }
      unscoped?: unknown
      'OS-TRUST:trust'?: { id: string }
    }
