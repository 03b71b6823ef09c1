"""Nodes: whose connection is let in, under which key, and what the SuperLink calls it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from common.errors import InputError
from server.registry.opening import ConflictError, Database
from server.registry.tables import NODE_COLUMNS, NODES


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A bureau's connection.

    Attributes:
        id: In the registry.
        name: Of the bureau.
        public_key: With which its SuperNode proves to be itself; OpenSSH text.
        bundle: SHA-256 of the app bundle that its admission names.
        admitted: Seconds since 1970, as all times here.
        revoked: When it was; None if it is let in.
        node: What the SuperLink calls it; None while the SuperLink does not know it.
        seen: When a run last saw it there.
    """

    id: int
    name: str
    public_key: str
    bundle: str
    admitted: int
    revoked: int | None
    node: str | None
    seen: int | None


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes of a registry.

    Guarantees:
        * A bureau has one node that is let in, and a key belongs to one bureau, whoever writes.
        * A key that was revoked never comes back: the SuperLink takes none twice.
    """

    database: Database

    def admit(self, name: str, public_key: str, bundle: str, now: int) -> None:
        """Let a bureau's node in; the same one again, with another bundle perhaps, changes nothing else.

        Raises:
            InputError: If the bureau has another node that is let in, or the key is another bureau's or was revoked.
        """
        same = (NODES.c.name == name) & (NODES.c.public_key == public_key) & (NODES.c.live == 1)
        try:
            with self.database.writing() as connection:
                if connection.execute(NODES.update().where(same).values(bundle=bundle)).rowcount:
                    return
                held = {"name": name, "public_key": public_key, "bundle": bundle, "admitted": now, "live": 1}
                connection.execute(NODES.insert().values(**held))
        except ConflictError:
            raise self._refused(name, public_key) from None

    def revoke(self, name: str, now: int) -> None:
        """Let a bureau's node in no longer.

        Raises:
            InputError: If none is.
        """
        with self.database.writing() as connection:
            wanted = (NODES.c.name == name) & (NODES.c.live == 1)
            changed = connection.execute(NODES.update().where(wanted).values(live=None, revoked=now)).rowcount
        if not changed:
            msg = f"no link of {name!r} is let in: look at the names with `link list`"
            raise InputError(msg)

    def all(self) -> list[Node]:
        """Every node, in the order of admission."""
        columns = [NODES.c[name] for name in NODE_COLUMNS]
        with self.database.reading() as connection:
            rows = connection.execute(sa.select(*columns).order_by(NODES.c.id)).mappings()
            return [Node(**row) for row in rows]

    def live(self) -> list[Node]:
        """The nodes that are let in, in the order of admission."""
        return [node for node in self.all() if node.revoked is None]

    def note_node(self, identity: int, node: str | None) -> None:
        """What the SuperLink calls a node; None if it does not know it."""
        self._note(identity, node=node)

    def note_seen(self, identity: int, now: int) -> None:
        """A run has seen a node at the SuperLink."""
        self._note(identity, seen=now)

    def _refused(self, name: str, public_key: str) -> InputError:
        same = next((node for node in self.all() if node.public_key == public_key), None)
        if same is None:
            return InputError(f"{name!r} has another link that is let in: `link revoke` it first")
        if same.revoked is None:
            return InputError(f"this node key is the one of {same.name!r}: let {name!r} make a new link (`link init`)")
        msg = f"this node key was revoked, and never comes back: let {name!r} make a new link (`link init`)"
        return InputError(msg)

    def _note(self, identity: int, **facts: object) -> None:
        with self.database.writing() as connection:
            connection.execute(NODES.update().where(NODES.c.id == identity).values(**facts))
