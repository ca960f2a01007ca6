-- What the limits of a tenant are compared with, each in one row, whatever the tenant has. Triggers keep it, so that it is
-- exact after every transaction, of this version and of the one before. A tenant without the limit pays for no count.

-- Open jobs that are counted: those with `open_in`.
ALTER TABLE tenants ADD COLUMN open_jobs INTEGER NOT NULL DEFAULT 0;
-- Slots in use. Kept for a tenant with many slots. Null: so few that their rows are counted.
ALTER TABLE tenants ADD COLUMN slots_taken INTEGER;
-- Tokens of one day, for a tenant with a limit of tokens. Days since 1970-01-01.
ALTER TABLE tenants ADD COLUMN tokens_day INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN tokens_of_day INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER open_jobs_on_insert AFTER INSERT ON jobs WHEN NEW.open_in IS NOT NULL BEGIN UPDATE tenants SET open_jobs = open_jobs + 1 WHERE id = NEW.open_in; END;
CREATE TRIGGER open_jobs_on_change AFTER UPDATE OF open_in ON jobs WHEN OLD.open_in IS NOT NEW.open_in BEGIN UPDATE tenants SET open_jobs = open_jobs + (NEW.open_in IS NOT NULL) - (OLD.open_in IS NOT NULL) WHERE id = NEW.tenant_id; END;
CREATE TRIGGER open_jobs_on_delete AFTER DELETE ON jobs WHEN OLD.open_in IS NOT NULL BEGIN UPDATE tenants SET open_jobs = open_jobs - 1 WHERE id = OLD.open_in; END;

CREATE TRIGGER slots_on_insert AFTER INSERT ON jobs WHEN NEW.slot IS NOT NULL BEGIN UPDATE tenants SET slots_taken = slots_taken + 1 WHERE id = NEW.slot AND slots_taken IS NOT NULL; END;
CREATE TRIGGER slots_on_change AFTER UPDATE OF slot ON jobs WHEN OLD.slot IS NOT NEW.slot BEGIN UPDATE tenants SET slots_taken = slots_taken + (NEW.slot IS NOT NULL) - (OLD.slot IS NOT NULL) WHERE id = NEW.tenant_id AND slots_taken IS NOT NULL; END;
CREATE TRIGGER slots_on_delete AFTER DELETE ON jobs WHEN OLD.slot IS NOT NULL BEGIN UPDATE tenants SET slots_taken = slots_taken - 1 WHERE id = OLD.slot AND slots_taken IS NOT NULL; END;

UPDATE tenants SET open_jobs = (SELECT count(*) FROM jobs WHERE open_in = tenants.id);
UPDATE tenants SET slots_taken = (SELECT count(*) FROM jobs WHERE slot = tenants.id) WHERE limits ->> 'running_jobs' > 100;

-- The models of a day beyond a hundred count as `other`.
DROP TRIGGER usage_on_finalize;
CREATE TRIGGER usage_on_finalize AFTER UPDATE OF finished_at ON jobs WHEN OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL BEGIN INSERT INTO usage (tenant_id, day, model, jobs, succeeded, prompt_tokens, completion_tokens, total_tokens) VALUES (NEW.tenant_id, NEW.finished_at / 86400000, iif(EXISTS (SELECT 1 FROM usage WHERE tenant_id = NEW.tenant_id AND day = NEW.finished_at / 86400000 AND model = NEW.model) OR (SELECT count(*) FROM (SELECT 1 FROM usage WHERE tenant_id = NEW.tenant_id AND day = NEW.finished_at / 86400000 LIMIT 100)) < 100, NEW.model, 'other'), 1, NEW.status = 'succeeded', coalesce(NEW.usage ->> 'promptTokens', 0), coalesce(NEW.usage ->> 'completionTokens', 0), coalesce(NEW.usage ->> 'totalTokens', 0)) ON CONFLICT (tenant_id, day, model) DO UPDATE SET jobs = jobs + 1, succeeded = succeeded + excluded.succeeded, prompt_tokens = prompt_tokens + excluded.prompt_tokens, completion_tokens = completion_tokens + excluded.completion_tokens, total_tokens = total_tokens + excluded.total_tokens; END;
CREATE TRIGGER tokens_on_finalize AFTER UPDATE OF finished_at ON jobs WHEN OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL AND coalesce(NEW.usage ->> 'totalTokens', 0) > 0 BEGIN UPDATE tenants SET tokens_of_day = iif(tokens_day = NEW.finished_at / 86400000, tokens_of_day, 0) + (NEW.usage ->> 'totalTokens'), tokens_day = NEW.finished_at / 86400000 WHERE id = NEW.tenant_id AND limits ->> 'tokens_per_day' IS NOT NULL AND tokens_day <= NEW.finished_at / 86400000; END;

UPDATE tenants SET tokens_day = unixepoch() / 86400, tokens_of_day = coalesce((SELECT sum(total_tokens) FROM usage WHERE tenant_id = tenants.id AND day = unixepoch() / 86400), 0) WHERE limits ->> 'tokens_per_day' IS NOT NULL;

-- The job that its owner erased, so that a repeated submission does not store it once more. Null: a page of pruned jobs.
ALTER TABLE tombstones ADD COLUMN erased_job TEXT;
CREATE INDEX tombstones_of_erased_jobs ON tombstones (erased_job) WHERE erased_job IS NOT NULL;
