-- Passwords that were made for somebody end by themselves until their person chooses one; and whether a passkey may be copied
-- between devices.
ALTER TABLE "account" ADD COLUMN "password_ends_at" TIMESTAMPTZ(3);
ALTER TABLE "passkey" ADD COLUMN "synced" BOOLEAN NOT NULL DEFAULT false;
-- What nobody noted at registration: a copy elsewhere tells that it may be copied.
UPDATE "passkey" SET "synced" = "backed_up";

DROP TRIGGER access_updated ON "account";
CREATE TRIGGER access_updated AFTER UPDATE ON "account" FOR EACH ROW
  WHEN ((OLD."name", OLD."display_name", OLD."email", OLD."tenant_id", OLD."provider_id", OLD."password_hash", OLD."password_ends_at", OLD."state", OLD."break_glass", OLD."revision")
    IS DISTINCT FROM (NEW."name", NEW."display_name", NEW."email", NEW."tenant_id", NEW."provider_id", NEW."password_hash", NEW."password_ends_at", NEW."state", NEW."break_glass", NEW."revision"))
  EXECUTE FUNCTION row_moved('account', 'id');
