-- For the limit of the keys of a tenant: those in force. A key without an end counts as one that ends at 2^53.
CREATE INDEX api_keys_in_force ON api_keys (tenant_id, coalesce(expires_at, 9007199254740992)) WHERE revoked_at IS NULL;

-- What a call of the job may use, by its input. Null: a row of the version before.
ALTER TABLE jobs ADD COLUMN tokens_estimated INTEGER;
-- What the last lease reserved of the tokens a day. In force while the job is running. Null: its tenant had no limit of them.
ALTER TABLE jobs ADD COLUMN tokens_reserved INTEGER;
-- The reservations in force. The trigger keeps their sum, whatever ends a lease, so that each ends exactly once.
ALTER TABLE tenants ADD COLUMN tokens_reserved INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER tokens_on_lease AFTER UPDATE OF status, tokens_reserved ON jobs WHEN iif(OLD.status = 'running', OLD.tokens_reserved, NULL) IS NOT iif(NEW.status = 'running', NEW.tokens_reserved, NULL) BEGIN UPDATE tenants SET tokens_reserved = tokens_reserved + coalesce(iif(NEW.status = 'running', NEW.tokens_reserved, NULL), 0) - coalesce(iif(OLD.status = 'running', OLD.tokens_reserved, NULL), 0) WHERE id = NEW.tenant_id; END;
CREATE TRIGGER tokens_on_delete AFTER DELETE ON jobs WHEN iif(OLD.status = 'running', OLD.tokens_reserved, NULL) IS NOT NULL BEGIN UPDATE tenants SET tokens_reserved = tokens_reserved - OLD.tokens_reserved WHERE id = OLD.tenant_id; END;

-- Tokens count as soon as the call that used them is settled, if they were reserved, and else when the job is final.
DROP TRIGGER tokens_on_finalize;
CREATE TRIGGER tokens_on_settle AFTER UPDATE OF usage, finished_at ON jobs WHEN coalesce(NEW.usage ->> 'totalTokens', 0) > iif(NEW.tokens_reserved IS NULL, 0, coalesce(OLD.usage ->> 'totalTokens', 0)) AND (NEW.tokens_reserved IS NOT NULL OR (OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL)) BEGIN UPDATE tenants SET tokens_of_day = iif(tokens_day < coalesce(NEW.finished_at, NEW.leased_at) / 86400000, 0, tokens_of_day) + coalesce(NEW.usage ->> 'totalTokens', 0) - iif(NEW.tokens_reserved IS NULL, 0, coalesce(OLD.usage ->> 'totalTokens', 0)), tokens_day = max(tokens_day, coalesce(NEW.finished_at, NEW.leased_at) / 86400000) WHERE id = NEW.tenant_id AND limits ->> 'tokens_per_day' IS NOT NULL; END;

-- Of the total tokens, those that no provider reported.
ALTER TABLE usage ADD COLUMN estimated_tokens INTEGER NOT NULL DEFAULT 0;
DROP TRIGGER usage_on_finalize;
CREATE TRIGGER usage_on_finalize AFTER UPDATE OF finished_at ON jobs WHEN OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL BEGIN INSERT INTO usage (tenant_id, day, model, jobs, succeeded, prompt_tokens, completion_tokens, total_tokens, estimated_tokens) VALUES (NEW.tenant_id, NEW.finished_at / 86400000, iif(EXISTS (SELECT 1 FROM usage WHERE tenant_id = NEW.tenant_id AND day = NEW.finished_at / 86400000 AND model = NEW.model) OR (SELECT count(*) FROM (SELECT 1 FROM usage WHERE tenant_id = NEW.tenant_id AND day = NEW.finished_at / 86400000 LIMIT 100)) < 100, NEW.model, 'other'), 1, NEW.status = 'succeeded', coalesce(NEW.usage ->> 'promptTokens', 0), coalesce(NEW.usage ->> 'completionTokens', 0), coalesce(NEW.usage ->> 'totalTokens', 0), coalesce(NEW.usage ->> 'estimatedTokens', 0)) ON CONFLICT (tenant_id, day, model) DO UPDATE SET jobs = jobs + 1, succeeded = succeeded + excluded.succeeded, prompt_tokens = prompt_tokens + excluded.prompt_tokens, completion_tokens = completion_tokens + excluded.completion_tokens, total_tokens = total_tokens + excluded.total_tokens, estimated_tokens = estimated_tokens + excluded.estimated_tokens; END;
