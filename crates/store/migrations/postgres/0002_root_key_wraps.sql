-- The root key, sealed once for each of the ways to open it. During a rotation there are two generations.
-- `parameters` are what, besides its secret, gives a wrap's key: cost and salt, or how many shares.

CREATE TABLE root_key_wraps (
    name       TEXT COLLATE "C" NOT NULL,
    kind       TEXT COLLATE "C" NOT NULL,
    parameters TEXT COLLATE "C" NOT NULL,
    generation BIGINT NOT NULL,
    sealed     BYTEA NOT NULL,
    created    BIGINT NOT NULL,
    PRIMARY KEY (name, generation)
);
