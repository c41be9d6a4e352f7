-- The shop's own table. `longshore outbox schema` prints the other one.

CREATE TABLE IF NOT EXISTS orders (
    id text PRIMARY KEY,
    email text NOT NULL,
    pieces integer NOT NULL CHECK (pieces BETWEEN 1 AND 100),
    -- The job that confirms the order by mail.
    mail_job text NOT NULL UNIQUE,
    -- What the shop was last told of it, and the number of that event: a larger one is newer.
    mail text NOT NULL DEFAULT 'on its way',
    mail_sequence bigint NOT NULL DEFAULT 0
);
