-- Sessions whose id is renewed, and word of everything that sessions stand on, so that what is remembered of them in memory
-- is forgotten as soon as somebody writes.

-- What hangs on a session goes along when its id is renewed.
ALTER TABLE "saml_session" DROP CONSTRAINT "saml_session_session_hash_fkey",
  ADD CONSTRAINT "saml_session_session_hash_fkey" FOREIGN KEY ("session_hash") REFERENCES "session"("hash") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "console_session" DROP CONSTRAINT "console_session_session_hash_fkey",
  ADD CONSTRAINT "console_session_session_hash_fkey" FOREIGN KEY ("session_hash") REFERENCES "session"("hash") ON DELETE CASCADE ON UPDATE CASCADE;

-- Tells listeners on `weft_access` what moved: `session`, `account` or `token` with keys after it, or `*` for anything.
CREATE FUNCTION "tell_access"(kind text, keys text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF cardinality(keys) > 100 THEN PERFORM pg_notify('weft_access', '*');
  ELSIF cardinality(keys) > 0 THEN PERFORM pg_notify('weft_access', kind || ' ' || array_to_string(keys, ' '));
  END IF;
END $$;

-- TG_ARGV: the kind, and the column with the key.
CREATE FUNCTION "row_moved"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM tell_access(TG_ARGV[0], ARRAY[to_jsonb(OLD) ->> TG_ARGV[1]]);
  RETURN NULL;
END $$;

CREATE FUNCTION "rows_moved"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM tell_access(TG_ARGV[0], (SELECT array_agg(DISTINCT to_jsonb(m) ->> TG_ARGV[1])
    FROM moved m WHERE to_jsonb(m) ->> TG_ARGV[1] IS NOT NULL));
  RETURN NULL;
END $$;

CREATE FUNCTION "anything_moved"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('weft_access', '*');
  RETURN NULL;
END $$;

-- Use is written down without telling anybody; a session that is new nobody remembers yet.
CREATE TRIGGER access_updated AFTER UPDATE OF "hash", "account_id", "method", "provider_id", "authenticated_at", "ends_at", "tenant_id", "site_id"
  ON "session" FOR EACH ROW EXECUTE FUNCTION row_moved('session', 'hash');
CREATE TRIGGER access_deleted AFTER DELETE ON "session" REFERENCING OLD TABLE AS moved
  FOR EACH STATEMENT EXECUTE FUNCTION rows_moved('session', 'hash');

CREATE TRIGGER access_updated AFTER UPDATE ON "api_token" FOR EACH ROW
  WHEN ((OLD."hash", OLD."rights", OLD."tenant_id", OLD."expires_at", OLD."account_id")
    IS DISTINCT FROM (NEW."hash", NEW."rights", NEW."tenant_id", NEW."expires_at", NEW."account_id"))
  EXECUTE FUNCTION row_moved('token', 'hash');
CREATE TRIGGER access_deleted AFTER DELETE ON "api_token" REFERENCING OLD TABLE AS moved
  FOR EACH STATEMENT EXECUTE FUNCTION rows_moved('token', 'hash');

CREATE TRIGGER access_updated AFTER UPDATE ON "account" FOR EACH ROW
  WHEN ((OLD."name", OLD."display_name", OLD."email", OLD."tenant_id", OLD."provider_id", OLD."password_hash", OLD."state", OLD."break_glass", OLD."revision")
    IS DISTINCT FROM (NEW."name", NEW."display_name", NEW."email", NEW."tenant_id", NEW."provider_id", NEW."password_hash", NEW."state", NEW."break_glass", NEW."revision"))
  EXECUTE FUNCTION row_moved('account', 'id');
CREATE TRIGGER access_deleted AFTER DELETE ON "account" REFERENCING OLD TABLE AS moved
  FOR EACH STATEMENT EXECUTE FUNCTION rows_moved('account', 'id');

DO $$
DECLARE t text;
BEGIN
  -- Of accounts, and (bindings) of groups.
  FOREACH t IN ARRAY ARRAY['group_member', 'role_binding'] LOOP
    EXECUTE format('CREATE TRIGGER access_inserted AFTER INSERT ON %I REFERENCING NEW TABLE AS moved
      FOR EACH STATEMENT EXECUTE FUNCTION rows_moved(''account'', ''account_id'')', t);
    EXECUTE format('CREATE TRIGGER access_deleted AFTER DELETE ON %I REFERENCING OLD TABLE AS moved
      FOR EACH STATEMENT EXECUTE FUNCTION rows_moved(''account'', ''account_id'')', t);
    EXECUTE format('CREATE TRIGGER access_updated AFTER UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION anything_moved()', t);
  END LOOP;
  -- Names that are shown with every session.
  FOREACH t IN ARRAY ARRAY['tenant', 'site', 'identity_provider', 'user_group'] LOOP
    EXECUTE format('CREATE TRIGGER access_updated AFTER UPDATE ON %I FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name)
      EXECUTE FUNCTION anything_moved()', t);
  END LOOP;
END $$;

CREATE TRIGGER access_group_inserted AFTER INSERT ON "role_binding" FOR EACH ROW WHEN (NEW."group_id" IS NOT NULL)
  EXECUTE FUNCTION anything_moved();
CREATE TRIGGER access_group_deleted AFTER DELETE ON "role_binding" FOR EACH ROW WHEN (OLD."group_id" IS NOT NULL)
  EXECUTE FUNCTION anything_moved();
CREATE TRIGGER access_updated AFTER UPDATE ON "role" FOR EACH ROW EXECUTE FUNCTION anything_moved();
CREATE TRIGGER access_deleted AFTER DELETE ON "role" FOR EACH ROW EXECUTE FUNCTION anything_moved();

-- A session ends with its account disabled, whoever disables it, and does not come back with it.
CREATE FUNCTION "end_sessions"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  DELETE FROM session WHERE account_id = NEW.id;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION "end_sessions"() FROM PUBLIC;
CREATE TRIGGER account_disabled AFTER UPDATE ON "account" FOR EACH ROW
  WHEN (NEW."state" = 'disabled' AND OLD."state" <> 'disabled') EXECUTE FUNCTION end_sessions();
