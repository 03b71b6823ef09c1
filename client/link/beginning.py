"""Making a link's directory: configuration, keys and the request to be let in; all or nothing."""

from __future__ import annotations

import datetime as dt
import secrets
import shutil
import tempfile
from pathlib import Path

from client.ledger.durable import PRIVATE_DIRECTORY, sync_directory, write_new
from client.link.configuration import LinkConfiguration, link_toml
from client.link.keys import client_pair, door, node_pair, private_key
from client.link.place import LinkPlace
from common.consortium.linking import LinkRequest
from common.errors import InputError

SECRET_BYTES = 32


def begin_link(root: Path, configuration: LinkConfiguration, now: dt.datetime) -> LinkRequest:
    """Make a link's directory.

    Guarantees:
        * The directory is whole, or it is not there. What exists is never written over.
        * Its secrets are for its owner alone, and none of them is in the request.

    Args:
        root: New, or empty.
        configuration: What is to stand in ``link.toml``.
        now: From when the certificate of the door on the loopback counts.

    Returns:
        What the coordinator needs.

    Raises:
        InputError: If the directory cannot be made.
    """
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        built = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    except OSError:
        msg = f"{root} cannot be made: name another directory"
        raise InputError(msg) from None
    try:
        request = _files(LinkPlace(built), configuration, now)
        built.rename(root)
    except OSError:
        msg = f"{root} is not empty or cannot be written: a new link takes a new directory"
        raise InputError(msg) from None
    finally:
        shutil.rmtree(built, ignore_errors=True)
    sync_directory(root.parent)
    return request


def _files(place: LinkPlace, configuration: LinkConfiguration, now: dt.datetime) -> LinkRequest:
    node, client, own = node_pair(), client_pair(configuration.name), door(now)
    request = LinkRequest.of(configuration.name, private_key(node), client.public.decode())
    held = {
        place.configuration: link_toml(configuration).encode(),
        place.node_key: node.secret,
        place.client_key: client.secret,
        place.runtime_root: own.root,
        place.runtime_certificate: own.certificate,
        place.runtime_key: own.key,
        place.secret: secrets.token_bytes(SECRET_BYTES),
        place.request: request.to_json(),
    }
    for path, content in held.items():
        write_new(path, content)
    for directory in (place.home, place.apps, place.state):
        directory.mkdir(PRIVATE_DIRECTORY)
    return request
