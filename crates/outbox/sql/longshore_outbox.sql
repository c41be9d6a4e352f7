-- The table that jobs wait in until `longshore outbox` has carried them into the queue. Run this file in the app's database,
-- as a migration; running it again changes nothing.
--
-- A producer inserts a row in the transaction that its job belongs to:
--
--     INSERT INTO longshore_outbox (kind, args, key)
--     VALUES ('send_email', '{"template":"welcome","to":{"email":"ada@example.com"},"data":{}}', 'welcome-17')
--     RETURNING id;
--
-- It needs the right INSERT on the table, and SELECT where it asks for the id. The carrier needs SELECT, UPDATE and DELETE.

-- A new id: a ULID, as every job has one.
CREATE OR REPLACE FUNCTION longshore_ulid() RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT string_agg(substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', digit + 1, 1), '' ORDER BY place)
    FROM (
        SELECT place, ((ms >> (45 - 5 * place)) & 31)::int AS digit
        FROM (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS ms) AS made,
            generate_series(0, 9) AS place
        UNION ALL
        SELECT 10 + place, get_byte(random, place) & 31
        FROM (SELECT uuid_send(gen_random_uuid()) AS random) AS drawn, generate_series(0, 15) AS place
    ) AS digits
$$;

CREATE TABLE IF NOT EXISTS longshore_outbox (
    -- The job's id: what `longshore job` and the clients ask for.
    id text PRIMARY KEY DEFAULT longshore_ulid()
        CONSTRAINT id_is_a_ulid CHECK (id ~ '^[0-7][0-9A-HJKMNP-TV-Z]{25}$'),
    -- The order in which they are carried.
    position bigint GENERATED ALWAYS AS IDENTITY,
    -- What `longshore kinds` lists, with its args.
    kind text NOT NULL,
    -- The version of the args.
    v integer NOT NULL DEFAULT 1 CONSTRAINT v_is_positive CHECK (v > 0),
    args json NOT NULL,
    -- At most one job of its kind with this key.
    key text CONSTRAINT key_has_1_to_256_bytes CHECK (octet_length(key) BETWEEN 1 AND 256),
    -- When it may run; at once where it is null.
    due_at timestamptz,
    -- How long after it was due it is dead as `expired`; where it is null, as its kind says. For a fixed time: that time minus due_at.
    expires_in interval CONSTRAINT expires_in_is_positive CHECK (expires_in > interval '0'),
    priority text CONSTRAINT priority_is_known CHECK (priority IN ('high', 'normal', 'low')),
    tenant text,
    tags text[] NOT NULL DEFAULT '{}',
    -- W3C trace context.
    traceparent text,
    tracestate text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),

    -- What follows is the carrier's.
    -- When it was first tried, in ms since the epoch by Redis's clock: written before it is tried.
    tried_ms bigint,
    -- It is not carried, since when and why. Its code is one of args, unknown_kind, options, encoding, key_taken,
    -- tried_long_ago.
    held_at timestamptz,
    held_code text,
    held_reason text
) WITH (
    -- Rows come and go: what is left of them is cleared away early.
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000
);

CREATE INDEX IF NOT EXISTS longshore_outbox_waiting ON longshore_outbox (position) WHERE held_at IS NULL;
CREATE INDEX IF NOT EXISTS longshore_outbox_held ON longshore_outbox (held_at) WHERE held_at IS NOT NULL;

-- Tells carriers at once that there is something. They look once a second, too: where many transactions commit at the same
-- time, the trigger may be dropped, since Postgres commits those with a NOTIFY one after the other.
CREATE OR REPLACE FUNCTION longshore_outbox_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('longshore_outbox', '');
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER longshore_outbox_tell AFTER INSERT ON longshore_outbox
    FOR EACH STATEMENT EXECUTE FUNCTION longshore_outbox_tell();
