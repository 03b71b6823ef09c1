"""When the latest decision was made, as far as the clock is believed that said it."""

from __future__ import annotations

from sqlalchemy import Connection, func, or_, select

from client.router.store.tables import SHEETS, WRONG_CLOCKS


def latest_moment(connection: Connection) -> int:
    """When the latest decision was made, Unix seconds; 0 if there is none.

    Guarantees:
        * Where somebody has declared that the clock was wrong then, it is when that was declared. So it is for what a
          router still decided by that moment before it heard of it.
    """
    newest = select(SHEETS.c.sheet, SHEETS.c.decided_at).order_by(SHEETS.c.sheet.desc()).limit(1)
    found = connection.execute(newest).one_or_none()
    if found is None:
        return 0
    about_it = or_(WRONG_CLOCKS.c.sheet >= found.sheet, WRONG_CLOCKS.c.latest == found.decided_at)
    told = connection.execute(select(func.max(WRONG_CLOCKS.c.declared_at)).where(about_it)).scalar()
    latest = int(found.decided_at)
    return latest if told is None else min(latest, told)
