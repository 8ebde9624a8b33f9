-- Where and when roles count, and what sessions were last proved by.

-- ---- roles: from these addresses alone, and at these hours alone

ALTER TABLE "role_binding" ADD COLUMN "from" TEXT[] NOT NULL DEFAULT '{}', ADD COLUMN "hours" TEXT;
ALTER TABLE "role_binding" ADD CONSTRAINT "role_binding_from" CHECK (cardinality("from") <= 32);
-- Under other conditions a role may be held once more: from the office at all times, from elsewhere by day.
ALTER TABLE "role_binding" DROP CONSTRAINT "role_binding_once", ADD CONSTRAINT "role_binding_once"
  UNIQUE NULLS NOT DISTINCT ("account_id", "group_id", "builtin", "role_id", "tenant_id", "site_id", "source", "from", "hours");

-- ---- sessions

-- Networks and browser of the proofs that were given in it; none: those that it began with.
ALTER TABLE "session" ADD COLUMN "proved_networks" TEXT[] NOT NULL DEFAULT '{}', ADD COLUMN "proved_agent" TEXT;
-- A try that failed makes everybody who is signed in to the account prove it anew.
ALTER TABLE "account" ADD COLUMN "failed_at" TIMESTAMPTZ(3);
CREATE TRIGGER access_failed AFTER UPDATE OF "failed_at" ON "account" FOR EACH ROW
  WHEN (OLD."failed_at" IS DISTINCT FROM NEW."failed_at") EXECUTE FUNCTION row_moved('account', 'id');
