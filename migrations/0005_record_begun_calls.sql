-- The fence of the last lease whose call a heartbeat recorded. A lease that expires before that uses up no attempt: its call may
-- never have begun. Null: none was recorded yet.
ALTER TABLE jobs ADD COLUMN called_fence INTEGER;
