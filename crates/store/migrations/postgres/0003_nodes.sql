-- Nodes, how far each has followed the feed, and when it said so.
CREATE TABLE nodes (
    name TEXT COLLATE "C" PRIMARY KEY,
    mark BIGINT NOT NULL,
    seen BIGINT NOT NULL
);

-- What stands before `place` in the feed may be gone.
CREATE TABLE feed_floor (place BIGINT NOT NULL);
INSERT INTO feed_floor (place) VALUES (0);
