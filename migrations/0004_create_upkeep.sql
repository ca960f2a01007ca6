-- R2 keys of erased objects. Each is deleted once more at `delete_at`, in case a holder that had lost its lease wrote the
-- object after the erasure. One row holds the keys of everything that one transaction erased.
CREATE TABLE tombstones (
    delete_at INTEGER NOT NULL,
    id TEXT NOT NULL,
    keys TEXT NOT NULL CHECK (json_type(keys) = 'array'),
    PRIMARY KEY (delete_at, id)
) STRICT, WITHOUT ROWID;

-- What the sweeper remembers from one sweep to the next, such as the last day whose orphaned inputs it reaped.
CREATE TABLE sweeper_notes (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
