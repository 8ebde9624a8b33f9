-- Sign-ins that began somewhere else wait here until their person says that they want to come in; and what providers ended
-- is remembered for as long as an assertion of before could still come.

CREATE TABLE "arrival" (
    -- SHA-256 of 256 random bits that the page alone has
    "hash" TEXT NOT NULL PRIMARY KEY,
    "provider_id" UUID NOT NULL REFERENCES "identity_provider"("id") ON DELETE CASCADE,
    "account_id" UUID NOT NULL REFERENCES "account"("id") ON DELETE CASCADE,
    -- SHA-256 of the cookie that binds it to one browser
    "browser_hash" TEXT NOT NULL,
    -- what the provider proved, as the session needs it
    "content" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL
);
CREATE INDEX "arrival_expires_at_idx" ON "arrival"("expires_at");
CREATE INDEX "arrival_provider_id_idx" ON "arrival"("provider_id");

CREATE TABLE "ended_at_provider" (
    "provider_id" UUID NOT NULL REFERENCES "identity_provider"("id") ON DELETE CASCADE,
    -- SHA-256 of the name with format and qualifiers
    "name_hash" TEXT NOT NULL,
    -- empty: all sessions of the name that began until then
    "session_index" TEXT NOT NULL,
    "ended_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    PRIMARY KEY ("provider_id", "name_hash", "session_index")
);
CREATE INDEX "ended_at_provider_expires_at_idx" ON "ended_at_provider"("expires_at");

GRANT SELECT, INSERT, UPDATE, DELETE ON "arrival", "ended_at_provider" TO weft_engine;
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['arrival', 'ended_at_provider'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY engine_all ON %I TO weft_engine, weft_owner USING (true) WITH CHECK (true)', t);
  END LOOP;
END $$;
