/**
 * Tenants that were deleted, and are being erased. Each statement that must not serve one looks among them: an index that
 * is empty but for them, so that nobody pays for it.
 */
export const DELETED_TENANTS = "(SELECT id FROM tenants WHERE deleted_at IS NOT NULL)";
