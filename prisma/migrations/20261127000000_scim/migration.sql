-- Accounts that a provider disables by SCIM, and what OpenID Connect providers know of sessions whose id is renewed.

-- By whom, where it was not somebody here: `scim`, or `scim-deleted`, which is as good as gone for its provider. What people
-- here disabled no provider enables.
ALTER TABLE "account" ADD COLUMN "disabled_by" TEXT CHECK ("disabled_by" IN ('scim', 'scim-deleted'));
CREATE FUNCTION "account_enabled"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW."disabled_by" := NULL;
  RETURN NEW;
END $$;
CREATE TRIGGER account_enabled BEFORE UPDATE OF "state" ON "account" FOR EACH ROW WHEN (NEW."state" = 'active')
  EXECUTE FUNCTION account_enabled();

ALTER TABLE "oidc_session" DROP CONSTRAINT "oidc_session_session_hash_fkey",
  ADD CONSTRAINT "oidc_session_session_hash_fkey" FOREIGN KEY ("session_hash") REFERENCES "session"("hash") ON DELETE CASCADE ON UPDATE CASCADE;
