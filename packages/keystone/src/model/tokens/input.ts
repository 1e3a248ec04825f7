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
  totp?: { user: UserInput & { passcode: string } }
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

interface DomainReference {
  id?: string
  name?: string
}
