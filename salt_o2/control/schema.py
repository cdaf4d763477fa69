"""The tables of control's database."""

from sqlalchemy import JSON, Column, Float, Index, Integer, MetaData, String, Table, Text

METADATA = MetaData()

ENVIRONMENTS = Table(
    "environments",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("created", Float, nullable=False),
    Column("user", String(64), nullable=False),
    Column("shape", JSON, nullable=False),  # how the user has bent the workflow
    Column("plan", JSON, nullable=False),
    Column("snapshot", JSON, nullable=False),
    Column("ended", Float),  # null while it is alive
)

RUNS = Table(
    "runs",
    METADATA,
    # AUTOINCREMENT: a number is never given twice, even if the row with the highest is deleted.
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("environment", String(32), nullable=False),
    Column("started", Float, nullable=False),
    Column("user", String(64), nullable=False, server_default=""),
    Column("ended", Float),
    sqlite_autoincrement=True,
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
