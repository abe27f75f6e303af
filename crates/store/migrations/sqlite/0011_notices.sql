-- What was told, and to which webhooks it is still to be brought. Times are milliseconds since 1970 (UTC).

CREATE TABLE notices (
    id      TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    left_at INTEGER NOT NULL,
    name    TEXT NOT NULL,
    level   TEXT NOT NULL,
    about   TEXT NOT NULL,
    body    TEXT NOT NULL
) STRICT;
CREATE INDEX notices_account ON notices (account, left_at);
CREATE INDEX notices_left ON notices (left_at, id);

-- A webhook is named by a digest of its URL, which may hold what nobody else should know.
CREATE TABLE deliveries (
    webhook TEXT NOT NULL,
    notice  TEXT NOT NULL REFERENCES notices (id) ON DELETE CASCADE,
    tries   INTEGER NOT NULL,
    due     INTEGER NOT NULL,
    PRIMARY KEY (webhook, notice)
) STRICT;
CREATE INDEX deliveries_due ON deliveries (webhook, due);
CREATE INDEX deliveries_notice ON deliveries (notice);
