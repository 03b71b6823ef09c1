"""An auditor's signature under a published model: made where the auditor's key is, from the files alone."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from common.consortium.identity import Identity
from common.consortium.publishing import MalformedPublicationError, SignedPublication, insist_about
from common.consortium.roster import Role
from common.errors import InputError
from common.model import Model

MOST_MODEL_BYTES = 1 << 28


def approved(publication: Path, model: Path, name: str, identity: Identity) -> SignedPublication:
    """A publication with an auditor's signature added.

    Guarantees:
        * The model in the file is the one that the publication is about, made with the features it says.

    Args:
        publication: File of the signed publication.
        model: File of its model.
        name: Of the auditor, in the roster.
        identity: The auditor's key.

    Raises:
        InputError: If a file cannot be read, or the model is none.
        PublicationError: If the two do not belong together.
    """
    signed, held = SignedPublication.from_json(_bounded(publication)), _bounded(model)
    try:
        features = Model.model_validate_json(held).plan.features
    except ValidationError:
        msg = f"{model} is no model of this version of the software"
        raise MalformedPublicationError(msg) from None
    insist_about(signed.publication, held, features.fingerprint)
    return signed.approved_by(name, Role.AUDITOR, identity)


def _bounded(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            held = file.read(MOST_MODEL_BYTES + 1)
    except OSError:
        held = b""
    if not held or len(held) > MOST_MODEL_BYTES:
        msg = f"{path} cannot be read, is empty or too large: name the file that `models export` wrote"
        raise InputError(msg)
    return held
