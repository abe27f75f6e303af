-- `due`: when something next happens to a key by itself; NULL: nothing does.
ALTER TABLE keys ADD COLUMN due INTEGER;
CREATE INDEX keys_due ON keys (due);
UPDATE keys SET due = last_rotation + rotation_seconds * 1000 WHERE state = 'Enabled';

-- `fingerprint`: of the material that was imported first, sealed. An empty `sealed`: it was deleted.
-- `seals`: how many seals nodes have reserved.
ALTER TABLE key_versions ADD COLUMN fingerprint BLOB;
ALTER TABLE key_versions ADD COLUMN seals INTEGER NOT NULL DEFAULT 0;

-- Who used a key for what, a row a day. `day` counts from 1970.
CREATE TABLE key_uses (
    key    TEXT NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
    caller TEXT NOT NULL,
    action TEXT NOT NULL,
    day    INTEGER NOT NULL,
    count  INTEGER NOT NULL,
    last   INTEGER NOT NULL,
    PRIMARY KEY (key, day, caller, action)
) STRICT;
CREATE INDEX key_uses_day ON key_uses (day);
