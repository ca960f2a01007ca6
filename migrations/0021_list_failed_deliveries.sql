-- For the list of deliveries that failed. Without it, a page looks at all deliveries of the tenant.
CREATE INDEX deliveries_failed ON deliveries (tenant_id, id) WHERE status IN ('exhausted', 'skipped');
