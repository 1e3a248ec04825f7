import { startPostgres } from '../lab/postgres.ts'
import { databaseServerTests } from './database-server.ts'

databaseServerTests('PostgreSQL', startPostgres)
