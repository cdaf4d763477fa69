"""The tables of control's database."""

from sqlalchemy import JSON, Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

METADATA = MetaData()

ENVIRONMENTS = Table(
    "environments",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("created", Float, nullable=False),
    Column("user", String(64), nullable=False),
    Column("overrides", JSON, nullable=False),  # overrides of the user
    Column("plan", JSON, nullable=False),
    Column("snapshot", JSON, nullable=False),
    Column("ended", Float),  # null while it is active
)

RUN = "run"
COUNTERS = Table(
    "counters",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("value", Integer, nullable=False),
)

RUNS = Table(
    "runs",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("environment", String(32), nullable=False),
    Column("started", Float, nullable=False),
    Column("user", String(64), nullable=False, server_default=""),
    Column("ended", Float),
)

RUN_ENDS = Table(  # why runs ended; a run of an older version has no row
    "run_ends",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", String(32), nullable=False),
    Column("cause", String(32), nullable=False),
    Column("by_user", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("failed_roles", JSON, nullable=False),
)

INTERRUPTIONS = Table(  # tasks that did not take part in a run for a time
    "run_interruptions",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("run", Integer, nullable=False),
    Column("since", Float, nullable=False),
    Column("path", String(512), nullable=False),
    Column("task", String(32), nullable=False),
    Column("class_name", String(256), nullable=False),
    Column("host", String(128), nullable=False),
    Column("reason", Text, nullable=False),
    Column("excluded", Boolean, nullable=False),
    Column("until", Float),  # null while it lasts, and if the run ended with it
    Column("how", String(32)),
    Index("interruptions_by_run", "run", "id"),
)

POOLED = Table(
    "pool",
    METADATA,
    Column("task", String(32), primary_key=True),
    Column("entry", JSON, nullable=False),
    Column("left", Float),  # null while it is in the pool
)

HOSTS = Table(
    "hosts",
    METADATA,
    Column("id", String(128), primary_key=True),
    Column("facts", JSON, nullable=False),
)

CORDONS = Table(
    "cordons",
    METADATA,
    Column("host", String(128), primary_key=True),
    Column("cordon", JSON, nullable=False),
)

JOURNAL = Table(
    "journal",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("environment", String(32), nullable=False),
    Column("direction", String(8), nullable=False),  # "in" for messages, "out" for effects
    Column("kind", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Index("journal_by_environment", "environment", "id"),
)
