-- For the list of jobs that failed or expired, which is read most: without it, a page looks at all jobs of the tenant.
CREATE INDEX jobs_failed ON jobs (tenant_id, id) WHERE status IN ('failed', 'expired');
