import { defineConfig } from 'prisma/config'

// The URL is never used: migrations are applied by server/inventory/migrate.ts.
export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  datasource: { url: 'postgresql://weft@localhost/weft' },
})
