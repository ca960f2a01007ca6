-- What the limit of stored bytes is compared with: inputs and results of the jobs that are counted. Null: no limit, nothing is counted.
ALTER TABLE tenants ADD COLUMN stored_bytes INTEGER;
-- The last job that is counted, by id. A tilde sorts behind every id: all jobs. In between, the jobs from before the limit are
-- counted page by page, and triggers keep what is counted exact. So jobs need no mark of their own.
ALTER TABLE tenants ADD COLUMN stored_through TEXT;

CREATE TRIGGER stored_bytes_on_insert AFTER INSERT ON jobs BEGIN UPDATE tenants SET stored_bytes = stored_bytes + NEW.input_bytes + coalesce(NEW.result_bytes, 0) WHERE id = NEW.tenant_id AND stored_through >= NEW.id; END;
CREATE TRIGGER stored_bytes_on_result AFTER UPDATE OF result_bytes ON jobs WHEN OLD.result_bytes IS NOT NEW.result_bytes BEGIN UPDATE tenants SET stored_bytes = stored_bytes + coalesce(NEW.result_bytes, 0) - coalesce(OLD.result_bytes, 0) WHERE id = NEW.tenant_id AND stored_through >= NEW.id; END;
CREATE TRIGGER stored_bytes_on_delete AFTER DELETE ON jobs BEGIN UPDATE tenants SET stored_bytes = stored_bytes - OLD.input_bytes - coalesce(OLD.result_bytes, 0) WHERE id = OLD.tenant_id AND stored_through >= OLD.id; END;
