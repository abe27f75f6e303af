-- Nodes enter themselves when they start. `run`: which process it is; empty: it is taken for dead. `mark`: how far
-- it has followed the feed. `beat` grows as long as it lives.
DROP TABLE nodes;
CREATE TABLE nodes (
    name TEXT COLLATE "C" PRIMARY KEY,
    run  TEXT COLLATE "C" NOT NULL,
    mark TEXT COLLATE "C" NOT NULL,
    beat BIGINT NOT NULL
);
