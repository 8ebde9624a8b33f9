-- Reads that were let in are written down too. There are many: those that are alike share a row for an hour, with how many
-- there were and when the last one was.
ALTER TABLE "decision"
  ADD COLUMN "kind" TEXT NOT NULL DEFAULT 'write',
  ADD COLUMN "count" BIGINT NOT NULL DEFAULT 1,
  ADD COLUMN "last_at" TIMESTAMPTZ(3),
  -- SHA-256 of what makes them alike; null: a row of its own
  ADD COLUMN "alike" BYTEA;
UPDATE "decision" SET "last_at" = "at";
ALTER TABLE "decision" ALTER COLUMN "last_at" SET NOT NULL, ALTER COLUMN "last_at" SET DEFAULT CURRENT_TIMESTAMP,
  ADD CONSTRAINT "decision_kind" CHECK ("kind" IN ('read', 'write'));
CREATE UNIQUE INDEX "decision_alike_key" ON "decision"("alike");
