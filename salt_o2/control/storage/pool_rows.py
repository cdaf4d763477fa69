"""Rows of the pool: one for each task that is or was in it.

A row remains after its task has left the pool. If the task appears again on a host that was lost, control
recognises it as its own orphaned task.
"""

from typing import Any

from sqlalchemy import Executable, delete, insert, select, update

from salt_o2.control.storage.schema import POOLED
from salt_o2.control.storage.store import Store
from salt_o2.core.codec import plain
from salt_o2.core.ids import TaskId
from salt_o2.core.pool.entries import PoolEntry


def put_pool_entry(entry: PoolEntry) -> list[Executable]:
    """Return statements that store ``entry``, and replace an older entry of the same task."""
    task = entry.task.id
    row = {"task": task, "entry": plain(entry), "left": None}
    return [delete(POOLED).where(POOLED.c.task == task), insert(POOLED).values(row)]


def drop_pool_entry(task: TaskId, at: float) -> Executable:
    """Return the statement that records that ``task`` has left the pool."""
    return update(POOLED).where(POOLED.c.task == task).values(left=at)


def pool_entries(store: Store) -> list[PoolEntry]:
    """Return the entries of the pool, the oldest first."""
    rows: list[Any] = store.read(select(POOLED.c.entry).where(POOLED.c.left.is_(None)))
    found = [store.read_row(row[0], PoolEntry) for row in rows]
    return sorted((entry for entry in found if entry is not None), key=lambda entry: entry.since)


def knows(store: Store, task: TaskId) -> bool:
    """Return whether ``task`` is or ever was in the pool."""
    return bool(store.read(select(POOLED.c.task).where(POOLED.c.task == task)))
