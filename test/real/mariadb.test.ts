import { startMariadb } from '../lab/mariadb.ts'
import { databaseServerTests } from './database-server.ts'

databaseServerTests('MariaDB', startMariadb)
