"""The tables of control's database."""

from sqlalchemy import JSON, Column, Float, Index, Integer, MetaData, String, Table, Text

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
