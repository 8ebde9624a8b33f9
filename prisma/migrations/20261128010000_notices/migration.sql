-- What a person is told of their own account, and the browsers that it was used with.

CREATE TABLE "notice" (
    "id" UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    "account_id" UUID NOT NULL REFERENCES "account"("id") ON DELETE CASCADE,
    "kind" TEXT NOT NULL,
    -- what tells notices of one kind apart, such as the token's id
    "subject" TEXT NOT NULL DEFAULT '',
    -- what it happened to, as its person calls it
    "what" TEXT NOT NULL DEFAULT '',
    -- who did so, where that was not their own session
    "by" TEXT,
    "addresses" TEXT[] NOT NULL DEFAULT '{}',
    "methods" TEXT[] NOT NULL DEFAULT '{}',
    -- of a reminder: when it will happen
    "ends_at" TIMESTAMPTZ(3),
    "times" INTEGER NOT NULL DEFAULT 1,
    "first_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "last_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "read_at" TIMESTAMPTZ(3)
);
CREATE INDEX "notice_account_id_idx" ON "notice"("account_id", "last_at");
-- What happens again before it was read is one notice with a count: nobody can fill the table from outside.
CREATE UNIQUE INDEX "notice_unread" ON "notice"("account_id", "kind", "subject") WHERE "read_at" IS NULL;

CREATE TABLE "known_browser" (
    "account_id" UUID NOT NULL REFERENCES "account"("id") ON DELETE CASCADE,
    -- what it calls itself, without versions
    "agent" TEXT NOT NULL,
    "network" TEXT NOT NULL,
    "first_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "last_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    PRIMARY KEY ("account_id", "agent", "network")
);

-- The newest of both, eight at most.
CREATE FUNCTION "newest"(later text[], earlier text[]) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(array_agg(one ORDER BY place), '{}') FROM (
    SELECT one, min(place) AS place FROM unnest(later || earlier) WITH ORDINALITY u(one, place) GROUP BY one ORDER BY place LIMIT 8) n
$$;

-- Tells the person of an account, whoever writes it: the transaction that changes something of it says so in itself.
CREATE FUNCTION "add_notice"(whose uuid, said jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO notice AS n (account_id, kind, subject, what, by, addresses, methods, ends_at, times, first_at, last_at)
  SELECT whose, s.kind, coalesce(s.subject, ''), left(coalesce(s.what, ''), 300), s.by, newest(s.addresses, '{}'), newest(s.methods, '{}'), s.ends,
    coalesce(s.times, 1), coalesce(s.first, now()), coalesce(s.last, now())
  FROM jsonb_to_record(said) AS s(kind text, subject text, what text, by text, addresses text[], methods text[], ends timestamptz, times int,
    first timestamptz, last timestamptz)
  ON CONFLICT (account_id, kind, subject) WHERE read_at IS NULL DO UPDATE SET what = excluded.what, by = excluded.by,
    addresses = newest(excluded.addresses, n.addresses), methods = newest(excluded.methods, n.methods),
    times = least(n.times::bigint + excluded.times, 1000000000), first_at = least(n.first_at, excluded.first_at),
    last_at = greatest(n.last_at, excluded.last_at);
  -- The ones that were read long ago leave first.
  DELETE FROM notice WHERE account_id = whose AND id IN (
    SELECT id FROM notice WHERE account_id = whose ORDER BY read_at IS NOT NULL, last_at DESC, id OFFSET 200);
END $$;
REVOKE ALL ON FUNCTION "add_notice"(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION "add_notice"(uuid, jsonb) TO weft_app, weft_engine;

-- Whoever comes after somebody under the same name must not find what they were told.
CREATE FUNCTION "forget_person"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  DELETE FROM notice WHERE account_id = NEW.id;
  DELETE FROM known_browser WHERE account_id = NEW.id;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION "forget_person"() FROM PUBLIC;
CREATE TRIGGER account_gone AFTER UPDATE OF "disabled_by" ON "account" FOR EACH ROW WHEN (NEW."disabled_by" = 'scim-deleted')
  EXECUTE FUNCTION forget_person();

-- ---- sessions of accounts that a provider disables

-- Nobody gets in by them any more; they are ended one by one, so that the consoles that they opened are told. One that was not
-- does not come back with the account, whoever enables that.
DROP TRIGGER account_disabled ON "account";
CREATE TRIGGER account_disabled AFTER UPDATE ON "account" FOR EACH ROW
  WHEN (NEW."state" <> OLD."state" AND NOT (NEW."state" = 'disabled' AND NEW."disabled_by" IS NOT NULL)) EXECUTE FUNCTION end_sessions();

-- ---- word of it

CREATE TRIGGER notice_inserted AFTER INSERT ON "notice" REFERENCING NEW TABLE AS moved
  FOR EACH STATEMENT EXECUTE FUNCTION rows_moved('notice', 'account_id');
CREATE TRIGGER notice_updated AFTER UPDATE ON "notice" REFERENCING NEW TABLE AS moved
  FOR EACH STATEMENT EXECUTE FUNCTION rows_moved('notice', 'account_id');

-- ---- who sees what

GRANT SELECT, INSERT, UPDATE, DELETE ON "notice", "known_browser" TO weft_engine;
-- People read theirs, and say that they did.
GRANT SELECT, UPDATE ("read_at") ON "notice" TO weft_app;
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['notice', 'known_browser'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY engine_all ON %I TO weft_engine, weft_owner USING (true) WITH CHECK (true)', t);
  END LOOP;
END $$;
-- One's own alone: no scope, not even everybody's, shows another's.
CREATE POLICY app_own ON "notice" TO weft_app USING (account_id = nullif(current_setting('weft.account', true), '')::uuid)
  WITH CHECK (account_id = nullif(current_setting('weft.account', true), '')::uuid);
