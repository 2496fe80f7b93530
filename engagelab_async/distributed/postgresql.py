"""The shared state of a fleet, in PostgreSQL.

::

    submissions ──< runs         one for each delivery of a chunk
         └───────── operations   one for each operation of a campaign: intents and outcomes
    limits                       when the next turn of each shared rate is due
    messages                     what callbacks reported

An intent that PostgreSQL has confirmed is on its disk. That is all that is assumed of it.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import asyncpg
from attrs import astuple

from engagelab_async.bulk.journal import Doubt, JournalError, Proof, Receipt, State
from engagelab_async.bulk.journal.sites import Site
from engagelab_async.engines import Owner
from engagelab_async.errors import ConfigurationError
from engagelab_async.serialization import compact_json

from .store import (
    LATE,
    Begun,
    Contents,
    Delivery,
    Doubts,
    Ending,
    Intent,
    LiveRun,
    Operation,
    Options,
    Progress,
    Submission,
    Written,
)

T = TypeVar("T")

PATIENCE: Final = 60.0
"""Seconds that PostgreSQL may be away."""

_SLOWEST: Final = 20.0
"""Seconds that a statement may take: a peer behind a cut network never answers."""

_MOST_CONNECTIONS: Final = 8
_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,50}")

# Losing the connection, and what PostgreSQL answers while it starts or shuts down. Its shutdown
# can also look like an error inside asyncpg. A disk that is full, or too many connections, pass as
# well. A deadlock is that of two deliveries of one chunk.
_PASSING: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.InsufficientResourcesError,
    asyncpg.DeadlockDetectedError,
    asyncpg.QueryCanceledError,
)

# The role, or the database, may have other defaults.
_SETTINGS: Final = f"""
SET application_name = 'engagelab-async';
SET synchronous_commit = on;
SET default_transaction_isolation = 'read committed';
SET statement_timeout = '{_SLOWEST:.0f}s';
SET lock_timeout = 0;
-- A plan that was made while a table was empty would read all of it for each row.
SET enable_seqscan = off;
SET jit = off;
"""

_CREATE: Final = """
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE TABLE IF NOT EXISTS {schema}.submissions (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign text NOT NULL,
    token text NOT NULL UNIQUE,
    options json NOT NULL,
    deadline double precision NOT NULL,
    started timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended timestamptz,
    stopped text,
    stopped_at timestamptz
);
CREATE INDEX IF NOT EXISTS submissions_by_campaign ON {schema}.submissions (campaign);
CREATE TABLE IF NOT EXISTS {schema}.runs (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token text NOT NULL UNIQUE,
    submission bigint NOT NULL REFERENCES {schema}.submissions,
    chunk integer NOT NULL,
    host text NOT NULL,
    started timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended timestamptz
);
CREATE INDEX IF NOT EXISTS runs_by_chunk ON {schema}.runs (submission, chunk);
-- No other index: a row is updated in place, and the space that is left is for that.
CREATE TABLE IF NOT EXISTS {schema}.operations (
    campaign text COLLATE "C" NOT NULL,
    digest text COLLATE "C" NOT NULL,
    run bigint NOT NULL,
    submission bigint NOT NULL,
    at timestamptz NOT NULL,
    index integer NOT NULL,
    state smallint NOT NULL,
    code bigint,
    id text,
    error text,
    detail text,
    PRIMARY KEY (campaign, digest)
) WITH (fillfactor = 70);
CREATE TABLE IF NOT EXISTS {schema}.limits (
    name text PRIMARY KEY,
    due timestamptz NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE IF NOT EXISTS {schema}.messages (
    id text PRIMARY KEY,
    digest text COLLATE "C",
    targets integer,
    token text,
    status text NOT NULL,
    rank integer NOT NULL,
    went boolean NOT NULL,
    code bigint
);
CREATE TABLE IF NOT EXISTS {schema}.sites (
    campaign text NOT NULL,
    product text NOT NULL,
    digest text NOT NULL,
    origin text NOT NULL,
    PRIMARY KEY (campaign, product)
);
CREATE INDEX IF NOT EXISTS messages_by_digest ON {schema}.messages (digest)
    WHERE digest IS NOT NULL;
CREATE INDEX IF NOT EXISTS messages_by_token ON {schema}.messages (token)
    WHERE token IS NOT NULL;
"""

_SUBMIT: Final = """
INSERT INTO {schema}.submissions (campaign, token, options, deadline) VALUES ($1, $2, $3, $4)
ON CONFLICT (token) DO UPDATE SET token = excluded.token
RETURNING number
"""

_BEGIN: Final = """
WITH chosen AS (
    SELECT number, campaign, options, stopped IS NULL AND NOT EXISTS (
        SELECT FROM {schema}.runs WHERE submission = $1 AND chunk = $2 AND ended IS NOT NULL
    ) AS open
    FROM {schema}.submissions WHERE number = $1 AND token = $5
), begun AS (
    INSERT INTO {schema}.runs (token, submission, chunk, host)
    SELECT $3, number, $2, $4 FROM chosen WHERE open
    ON CONFLICT (token) DO UPDATE SET host = excluded.host
    RETURNING number
)
SELECT campaign, options, (SELECT number FROM begun) AS run FROM chosen
"""

# One statement is one round trip and one flush. The rows come as JSON: asyncpg takes longer to
# write arrays of their columns. Both parts go by the primary key alone: what joins with the table
# is planned by statistics, which a new campaign does not have. Rows are locked in the order of
# their digests, as deliveries of the same chunk would wait for each other otherwise.
_WRITE: Final = f"""
WITH ended AS (
    INSERT INTO {{schema}}.operations AS known
        (campaign, digest, run, submission, at, index, state, code, id, error, detail)
    SELECT $1, row->>0, $2, $3, clock_timestamp(), (row->>1)::int, (row->>2)::smallint,
        (row->>3)::bigint, row->>4, row->>5, row->>6
    FROM json_array_elements($4) AS row ORDER BY (row->>0) COLLATE "C"
    ON CONFLICT (campaign, digest) DO UPDATE SET
        at = excluded.at, state = excluded.state, code = excluded.code, id = excluded.id,
        error = excluded.error, detail = excluded.detail
    WHERE known.run = excluded.run
), submission AS (
    SELECT stopped FROM {{schema}}.submissions WHERE number = $3
), granted AS (
    INSERT INTO {{schema}}.operations AS known
        (campaign, digest, run, submission, at, index, state)
    SELECT $1, row->>0, $2, $3, clock_timestamp(), (row->>1)::int, {State.SENDING:d}
    FROM json_array_elements($5) AS row WHERE (SELECT stopped FROM submission) IS NULL
    ORDER BY (row->>0) COLLATE "C"
    ON CONFLICT (campaign, digest) DO UPDATE SET
        run = excluded.run, submission = excluded.submission, at = excluded.at,
        index = excluded.index, state = excluded.state, code = NULL, id = NULL, error = NULL,
        detail = NULL
    WHERE
        -- It was not sent. With an error, its outcome in this submission has been reported.
        known.state = {State.UNSENT:d} AND (known.error IS NULL OR known.run = excluded.run
            OR known.submission <> excluded.submission)
        -- The statement is repeated, as the answer was lost: no request has left.
        OR known.state = {State.SENDING:d} AND known.run = excluded.run
        OR known.state = {State.UNCERTAIN:d} AND known.run = excluded.run
            AND known.digest = ANY($6::text[])
        OR known.submission < excluded.submission AND known.digest = ANY($7::text[]) AND (
            known.state = {State.UNCERTAIN:d}
            OR known.state = {State.SENDING:d} AND known.at < clock_timestamp() - (
                SELECT make_interval(secs => deadline + {LATE}) FROM {{schema}}.submissions
                WHERE number = known.submission
            )
        )
    RETURNING digest
)
SELECT (SELECT stopped FROM submission), ARRAY(SELECT digest FROM granted)
"""  # noqa: S608 - of numbers

_COLUMNS: Final = """
digest, index, state, id, code, error, detail, run, submission,
extract(epoch FROM clock_timestamp() - at)::float8 AS age
"""
_LOOK_UP: Final = f"""
SELECT {_COLUMNS} FROM {{schema}}.operations
WHERE campaign = $1 AND digest = ANY($2::text[])
"""  # noqa: S608 - of constants
_END: Final = "UPDATE {schema}.runs SET ended = clock_timestamp() WHERE number = $1"
_PROGRESS: Final = """
SELECT stopped, extract(epoch FROM clock_timestamp() - stopped_at)::float8,
    ARRAY(SELECT DISTINCT chunk FROM {schema}.runs
        WHERE submission = $1 AND chunk = ANY($2::int[]) AND ended IS NOT NULL),
    ARRAY(SELECT DISTINCT chunk FROM {schema}.runs
        WHERE submission = $1 AND chunk = ANY($2::int[]))
FROM {schema}.submissions WHERE number = $1
"""
_STOP: Final = """
UPDATE {schema}.submissions
SET stopped = coalesce(stopped, $2), stopped_at = coalesce(stopped_at, clock_timestamp())
WHERE campaign = $1 AND ended IS NULL AND ($3::bigint IS NULL OR number = $3)
RETURNING number
"""
_FINISH: Final = "UPDATE {schema}.submissions SET ended = clock_timestamp() WHERE number = $1"
# What is lost at a crash is a turn, so nothing waits for the disk.
_TAKE: Final = """
WITH hurried AS (SELECT set_config('synchronous_commit', 'off', true))
INSERT INTO {schema}.limits AS known (name, due)
SELECT $1, clock_timestamp() + make_interval(secs => $2::float8) FROM hurried
ON CONFLICT (name) DO UPDATE
SET due = greatest(known.due, clock_timestamp()) + make_interval(secs => $2::float8)
RETURNING extract(epoch FROM due - clock_timestamp())::float8 - $2::float8
"""
_RECORD: Final = """
INSERT INTO {schema}.messages AS known (id, digest, targets, token, status, rank, went, code)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (id) DO UPDATE SET
    digest = coalesce(known.digest, excluded.digest),
    targets = coalesce(known.targets, excluded.targets),
    token = coalesce(known.token, excluded.token),
    status = CASE WHEN excluded.rank >= known.rank THEN excluded.status ELSE known.status END,
    code = CASE WHEN excluded.rank >= known.rank THEN excluded.code ELSE known.code END,
    rank = greatest(known.rank, excluded.rank),
    went = known.went OR excluded.went
"""
_USE: Final = """
INSERT INTO {schema}.sites (campaign, product, digest, origin)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[])
ON CONFLICT (campaign, product) DO NOTHING
"""
_SITES: Final = "SELECT product, digest, origin FROM {schema}.sites WHERE campaign = $1"
_DOUBTS: Final = f"""
WITH campaign_runs AS (
    SELECT runs.number, runs.token, submissions.deadline
    FROM {{schema}}.runs JOIN {{schema}}.submissions ON submissions.number = runs.submission
    WHERE submissions.campaign = $1
), doubtful AS (
    SELECT operations.digest, state, coalesce(code::text, error) AS reason,
        campaign_runs.token AS run_token
    FROM {{schema}}.operations JOIN campaign_runs ON campaign_runs.number = operations.run
    WHERE campaign = $1 AND (state = {State.UNCERTAIN:d} OR state = {State.SENDING:d}
        AND at < clock_timestamp() - make_interval(secs => deadline + {LATE}))
)
SELECT state, reason, run_token, messages.id, messages.digest, targets, messages.token, status,
    rank, went, messages.code
FROM doubtful JOIN {{schema}}.messages ON messages.digest = doubtful.digest
WHERE messages.token IN (SELECT token FROM campaign_runs)
"""  # noqa: S608 - of constants
_SETTLE: Final = """
UPDATE {schema}.operations SET state = $5, id = $6, code = $7, error = $8, detail = NULL
WHERE campaign = $1 AND digest = $2 AND state = $4
    AND run = (SELECT number FROM {schema}.runs WHERE token = $3)
"""
_SUBMISSIONS: Final = """
SELECT number, extract(epoch FROM started)::float8, extract(epoch FROM ended)::float8, stopped
FROM {schema}.submissions WHERE campaign = $1 ORDER BY number
"""
_STATES: Final = """
SELECT state, count(*) FROM {schema}.operations WHERE campaign = $1 GROUP BY state
"""
_ERRORS: Final = """
SELECT coalesce(code::text, error) AS name, count(*) FROM {schema}.operations
WHERE campaign = $1 AND coalesce(code::text, error) IS NOT NULL
GROUP BY name ORDER BY count(*) DESC, name
"""
_MESSAGES: Final = """
SELECT status, count(*) FROM {schema}.messages WHERE token IN (
    SELECT runs.token FROM {schema}.runs JOIN {schema}.submissions
        ON submissions.number = runs.submission
    WHERE campaign = $1
) GROUP BY status ORDER BY max(rank), status
"""
_LIVE: Final = """
SELECT submission, chunk, host, extract(epoch FROM clock_timestamp() - runs.started)::float8
FROM {schema}.runs JOIN {schema}.submissions ON submissions.number = runs.submission
WHERE campaign = $1 AND runs.ended IS NULL AND submissions.ended IS NULL AND NOT EXISTS (
    SELECT FROM {schema}.runs AS other
    WHERE other.submission = runs.submission AND other.chunk = runs.chunk
        AND other.ended IS NOT NULL
) ORDER BY runs.number
"""


class PostgreSQL:
    """The `Store` in a database.

    Args:
        dsn: A URL, ``postgresql://user:password@host:port/database``.
        schema: The schema that holds the tables.
        patience: Seconds that PostgreSQL may be away.

    Raises:
        ValueError: An argument cannot be right.
    """

    def __init__(self, dsn: str, schema: str, *, patience: float = PATIENCE) -> None:
        if not dsn.startswith(("postgresql://", "postgres://")):
            # It is not quoted: it may contain a password.
            raise ValueError("dsn: expected postgresql://user:password@host:port/database")
        if not _NAME.fullmatch(schema):
            raise ValueError(
                "name: expected lower-case letters, digits and _, at most 51, no digit first"
            )
        self._dsn = dsn
        self._schema = schema
        self._patience = patience
        self._owner = Owner("a fleet")
        self._idle: deque[asyncpg.Connection[asyncpg.Record]] = deque()
        self._free = asyncio.Semaphore(_MOST_CONNECTIONS)

    def __repr__(self) -> str:
        """Show no password."""
        return f"<PostgreSQL schema {self._schema!r}>"

    async def connect(self) -> asyncpg.Connection[asyncpg.Record]:
        """Open a connection of one's own."""
        async with asyncio.timeout(_SLOWEST):
            connection = await asyncpg.connect(self._dsn)
            try:
                # Not as server settings: poolers refuse those, or are told to ignore them.
                await connection.execute(_SETTINGS)
            except BaseException:
                connection.terminate()
                raise
        return connection

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        # asyncpg's pool resets a connection each time, which is a round trip more.
        async with self._free:
            while self._idle and self._idle[-1].is_closed():
                self._idle.pop()
            connection = self._idle.pop() if self._idle else await self.connect()
            try:
                async with asyncio.timeout(_SLOWEST):
                    yield connection
            except asyncpg.PostgresError as error:
                # It is as good as before, unless PostgreSQL goes away.
                if isinstance(error, _PASSING):
                    connection.terminate()
                raise
            except BaseException:
                # A statement that was cancelled may still be running.
                connection.terminate()
                raise
            finally:
                if not connection.is_closed():
                    self._idle.append(connection)

    async def _repeated(
        self, work: Callable[[asyncpg.Connection[asyncpg.Record]], Awaitable[T]]
    ) -> T:
        """Do something, and again while PostgreSQL is away."""
        self._owner.check()
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            text = "a fleet needs asyncio: asyncpg does not run on trio"
            raise ConfigurationError(text) from None
        give_up = time.monotonic() + self._patience
        pause = 0.05
        while True:
            try:
                async with self._connection() as connection:
                    return await work(connection)
            except (ValueError, OverflowError) as error:
                # The text quotes some of it.
                name = type(error).__name__
                raise JournalError(f"fleet: PostgreSQL refuses (dsn: {name})") from None
            except _PASSING as error:
                if time.monotonic() + pause > give_up:
                    name = type(error).__name__
                    raise JournalError(f"fleet: PostgreSQL cannot be reached ({name})") from None
            except (
                asyncpg.UndefinedTableError,
                asyncpg.UndefinedColumnError,
                asyncpg.InvalidSchemaNameError,
            ) as error:
                raise JournalError(
                    f"fleet: its tables are missing in schema {self._schema!r} "
                    "(or are of another version): call Fleet.create_tables() once"
                ) from error
            except asyncpg.DataError as error:
                # The text quotes what was to be written.
                name = type(error).__name__
                raise JournalError(f"fleet: PostgreSQL cannot store a value ({name})") from None
            except asyncpg.PostgresError as error:
                text = f"{type(error).__name__}: {error.args[0]}"
                raise JournalError(f"fleet: PostgreSQL refuses ({text})") from None
            await asyncio.sleep(pause)
            pause = min(2 * pause, 2.0)

    async def _fetch(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        text = statement.format(schema=self._schema)
        return await self._repeated(lambda connection: connection.fetch(text, *arguments))

    async def create_tables(self) -> None:
        """Create what is missing; see `Store`."""
        text = _CREATE.format(schema=self._schema)

        async def create(connection: asyncpg.Connection[asyncpg.Record]) -> None:
            async with connection.transaction():
                # IF NOT EXISTS is not safe against another one that creates it at this moment.
                await connection.execute("SELECT pg_advisory_xact_lock(hashtext($1))", self._schema)
                await connection.execute(text)

        await self._repeated(create)

    async def submit(self, campaign: str, token: str, options: Options) -> int:
        """Begin a submission; see `Store`."""
        rows = await self._fetch(
            _SUBMIT, campaign, token, json.dumps(options), float(options["deadline"])
        )
        return int(rows[0][0])

    async def begin(
        self, submission: int, proof: str, chunk: int, token: str, host: str
    ) -> Begun | None:
        """Begin a delivery; see `Store`."""
        rows = await self._fetch(_BEGIN, submission, chunk, token, host, proof)
        return Begun(rows[0][0], json.loads(rows[0][1]), rows[0][2]) if rows else None

    async def use(self, campaign: str, sites: Mapping[str, Site]) -> Mapping[str, Site]:
        """Record where a campaign is sent to; see `Store`."""
        digests = [site.digest for site in sites.values()]
        origins = [site.origin for site in sites.values()]
        await self._fetch(_USE, campaign, list(sites), digests, origins)
        rows = await self._fetch(_SITES, campaign)
        return {product: Site(digest, origin) for product, digest, origin in rows}

    async def write(
        self, delivery: Delivery, endings: Sequence[Ending], intents: Sequence[Intent]
    ) -> Written:
        """Write endings, then intents; see `Store`."""
        wanted = {intent.digest for intent in intents}
        if any(ending.digest in wanted for ending in endings):
            # A statement cannot touch a row twice.
            await self._write(delivery, endings, ())
            endings = ()
        return await self._write(delivery, endings, intents)

    async def _write(
        self, delivery: Delivery, endings: Sequence[Ending], intents: Sequence[Intent]
    ) -> Written:
        ((stopped, granted),) = await self._fetch(
            _WRITE,
            delivery.campaign,
            delivery.run,
            delivery.submission,
            compact_json(
                [
                    (e.digest, e.index, e.state, e.code, _storable(e.id), e.error, e.detail)
                    for e in endings
                ]
            ),
            compact_json([(intent.digest, intent.index) for intent in intents]),
            [intent.digest for intent in intents if intent.again],
            [intent.digest for intent in intents if intent.resend],
        )
        return Written(frozenset(granted), stopped)

    async def look_up(self, campaign: str, digests: Sequence[str]) -> Mapping[str, Operation]:
        """Return what is known; see `Store`."""
        rows = await self._fetch(_LOOK_UP, campaign, list(digests))
        return {row["digest"]: Operation(*row) for row in rows}

    async def end(self, run: int) -> None:
        """End a delivery; see `Store`."""
        await self._fetch(_END, run)

    async def progress(self, submission: int, chunks: Sequence[int]) -> Progress:
        """Return how far some chunks have come; see `Store`."""
        ((stopped, stopped_for, ended, begun),) = await self._fetch(
            _PROGRESS, submission, list(chunks)
        )
        return Progress(frozenset(ended), frozenset(begun), stopped, stopped_for or 0.0)

    async def stop(self, campaign: str, reason: str, submission: int | None = None) -> int:
        """Stop submissions; see `Store`."""
        return len(await self._fetch(_STOP, campaign, _storable(reason), submission))

    async def finish(self, submission: int) -> None:
        """End a submission; see `Store`."""
        await self._fetch(_FINISH, submission)

    async def take_turns(self, name: str, turns: float, per_second: float) -> float:
        """Reserve turns of a shared rate; see `Store`."""
        rows = await self._fetch(_TAKE, name, turns / per_second)
        return float(rows[0][0])

    async def record(self, receipt: Receipt) -> None:
        """Record what a callback reported; see `Store`."""
        await self._fetch(_RECORD, *astuple(receipt))

    async def doubts(self, campaign: str) -> Doubts:
        """Return what callbacks have reported on; see `Store`."""
        doubts: dict[str, Doubt] = {}
        receipts = []
        for state, reason, token, *columns in await self._fetch(_DOUBTS, campaign):
            receipt = Receipt(*columns)
            receipts.append(receipt)
            digest = str(receipt.digest)
            doubts[digest] = Doubt(digest, State(state), reason, token)
        return Doubts(doubts, receipts)

    async def settle(self, campaign: str, proof: Proof) -> None:
        """Settle an uncertain operation; see `Store`."""
        await self._fetch(
            _SETTLE,
            campaign,
            proof.doubt.digest,
            proof.doubt.token,
            proof.doubt.state,
            proof.state,
            proof.id,
            proof.code,
            proof.error,
        )

    async def contents(self, campaign: str) -> Contents:
        """Return what is held of a campaign; see `Store`."""
        states = await self._fetch(_STATES, campaign)
        return Contents(
            tuple(Submission(*row) for row in await self._fetch(_SUBMISSIONS, campaign)),
            {State(state): count for state, count in states},
            {row[0]: row[1] for row in await self._fetch(_ERRORS, campaign)},
            {row[0]: row[1] for row in await self._fetch(_MESSAGES, campaign)},
            tuple(LiveRun(*row) for row in await self._fetch(_LIVE, campaign)),
        )

    async def aclose(self) -> None:
        """Close all connections."""
        while self._idle:
            connection = self._idle.pop()
            try:
                await connection.close(timeout=1.0)
            except _PASSING:
                connection.terminate()


def _storable(text: str | None) -> str | None:
    """Replace what a str can hold, and PostgreSQL cannot."""
    return text and text.replace("\0", "?").encode(errors="replace").decode()
