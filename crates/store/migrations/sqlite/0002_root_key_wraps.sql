-- The root key, sealed once for each of the ways to open it. During a rotation there are two generations.
-- `parameters` are what, besides its secret, gives a wrap's key: cost and salt, or how many shares.

CREATE TABLE root_key_wraps (
    name       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    parameters TEXT NOT NULL,
    generation INTEGER NOT NULL,
    sealed     BLOB NOT NULL,
    created    INTEGER NOT NULL,
    PRIMARY KEY (name, generation)
) STRICT;
