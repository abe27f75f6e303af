-- What was told, and to which webhooks it is still to be brought. Times are milliseconds since 1970 (UTC).

CREATE TABLE notices (
    id      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account TEXT COLLATE "C" NOT NULL,
    left_at BIGINT NOT NULL,
    name    TEXT COLLATE "C" NOT NULL,
    level   TEXT COLLATE "C" NOT NULL,
    about   TEXT COLLATE "C" NOT NULL,
    body    TEXT COLLATE "C" NOT NULL
);
CREATE INDEX notices_account ON notices (account, left_at);
CREATE INDEX notices_left ON notices (left_at, id);

-- A webhook is named by a digest of its URL, which may hold what nobody else should know.
CREATE TABLE deliveries (
    webhook TEXT COLLATE "C" NOT NULL,
    notice  TEXT COLLATE "C" NOT NULL REFERENCES notices (id) ON DELETE CASCADE,
    tries   BIGINT NOT NULL,
    due     BIGINT NOT NULL,
    PRIMARY KEY (webhook, notice)
);
CREATE INDEX deliveries_due ON deliveries (webhook, due);
CREATE INDEX deliveries_notice ON deliveries (notice);
