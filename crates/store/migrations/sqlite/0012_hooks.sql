-- What is called to rotate generic secrets. Times are milliseconds since 1970 (UTC).

-- Either a URL and the secret that signs, or a command, one word a line.
CREATE TABLE hooks (
    account           TEXT NOT NULL,
    secret            TEXT NOT NULL,
    url               TEXT,
    key               TEXT,
    command           TEXT,
    role              TEXT NOT NULL,
    rotation_interval INTEGER,
    last_rotation     INTEGER,
    next_rotation     INTEGER,
    created           INTEGER NOT NULL,
    updated           INTEGER NOT NULL,
    PRIMARY KEY (account, secret),
    FOREIGN KEY (account, secret) REFERENCES secrets (account, name) ON DELETE CASCADE
) STRICT;
CREATE INDEX hooks_due ON hooks (next_rotation, account, secret) WHERE next_rotation IS NOT NULL;
