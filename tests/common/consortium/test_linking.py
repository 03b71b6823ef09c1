"""Requests and admissions of links: one content has one digest, and what is no such content is refused."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from common.consortium.linking import MOST_BUNDLES, MOST_BYTES, LinkAdmission, LinkError, LinkRequest
from tests.common.consortium.links import BUNDLE, TestAuthority, key_of, node_key_of, request_of

KEY, NODE, AUTHORITY = key_of(), key_of(), TestAuthority()
REQUEST = LinkRequest.of("north", NODE, request_of(KEY))
ADMISSION = LinkAdmission(
    name="north",
    superlink="fl.example:9092",
    root=AUTHORITY.root,
    certificate=AUTHORITY.client(REQUEST.certificate_request),
    bundles=(BUNDLE,),
)


def spoiled(whole: LinkRequest | LinkAdmission, **changes: object) -> bytes:
    return json.dumps(json.loads(whole.to_json()) | changes).encode()


def test_both_come_back_from_their_files_as_they_were() -> None:
    assert LinkRequest.from_json(REQUEST.to_json()) == REQUEST
    assert LinkAdmission.from_json(ADMISSION.to_json()) == ADMISSION


def test_a_digest_is_that_of_the_content_however_the_file_is_laid_out() -> None:
    for whole in (REQUEST, ADMISSION):
        again = type(whole).from_json(json.dumps(json.loads(whole.to_json())).encode())
        assert again.digest == whole.digest
        assert len(bytes.fromhex(whole.digest)) == 32


def test_whatever_is_changed_the_digest_is_another() -> None:
    digests = {
        REQUEST.digest,
        REQUEST.model_copy(update={"name": "south"}).digest,
        REQUEST.model_copy(update={"node_key": node_key_of(KEY)}).digest,
        REQUEST.model_copy(update={"certificate_request": request_of(NODE)}).digest,
        ADMISSION.digest,
        ADMISSION.model_copy(update={"name": "south"}).digest,
        ADMISSION.model_copy(update={"superlink": "fl.example:9093"}).digest,
        ADMISSION.model_copy(update={"root": ADMISSION.certificate}).digest,
        ADMISSION.model_copy(update={"certificate": ADMISSION.root}).digest,
        ADMISSION.model_copy(update={"bundles": (BUNDLE, "cd" * 32)}).digest,
    }
    assert len(digests) == 10


@pytest.mark.parametrize(
    "held",
    [
        b"", b"{}", b"null", b"\xff", REQUEST.to_json() + b" " * MOST_BYTES, ADMISSION.to_json(),
        spoiled(REQUEST, more=1), spoiled(REQUEST, name="a\nb"), spoiled(REQUEST, name=1),
        spoiled(REQUEST, format="fedclaims/link-request/2"),
        spoiled(REQUEST, node_key="ssh-ed25519 AAAA"),
        spoiled(REQUEST, node_key=node_key_of(key_of(ec.SECP256R1()))),
        spoiled(REQUEST, node_key=REQUEST.node_key + " a comment"),
        spoiled(REQUEST, certificate_request=AUTHORITY.root),
        spoiled(REQUEST, certificate_request=REQUEST.certificate_request * 2),
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused(held: bytes) -> None:
    with pytest.raises(LinkError, match="no link request"):
        LinkRequest.from_json(held)


@pytest.mark.parametrize(
    "held",
    [
        b"", b"{}", REQUEST.to_json(), spoiled(ADMISSION, more=1), spoiled(ADMISSION, bundles=[]),
        spoiled(ADMISSION, bundles=[BUNDLE] * (MOST_BUNDLES + 1)), spoiled(ADMISSION, bundles=["xy" * 32]),
        spoiled(ADMISSION, bundles=[BUNDLE.upper()]), spoiled(ADMISSION, superlink="fl.example"),
        spoiled(ADMISSION, superlink="https://fl.example:1"), spoiled(ADMISSION, superlink="fl.example:70000"),
        spoiled(ADMISSION, root=ADMISSION.root + ADMISSION.certificate), spoiled(ADMISSION, certificate="text"),
    ],
)  # fmt: skip
def test_what_is_no_admission_is_refused(held: bytes) -> None:
    with pytest.raises(LinkError, match="no link admission"):
        LinkAdmission.from_json(held)


def test_a_certificate_request_signed_by_another_key_is_refused() -> None:
    lines = REQUEST.certificate_request.splitlines()
    end = lines[-2]
    changed = ("A" if end[4] != "A" else "B").join([end[:4], end[5:]])
    with pytest.raises(LinkError, match="certificate_request"):
        LinkRequest.from_json(spoiled(REQUEST, certificate_request="\n".join([*lines[:-2], changed, lines[-1], ""])))


def test_an_error_tells_nothing_of_what_was_given() -> None:
    with pytest.raises(LinkError) as caught:
        LinkRequest.from_json(spoiled(REQUEST, name="Jane\nDoe"))
    assert "Jane" not in str(caught.value)


def test_nobody_asks_to_be_let_in_with_the_node_key_of_another() -> None:
    other = LinkRequest.of("south", key_of(), request_of(key_of()))
    assert LinkRequest.from_json(other.to_json()) == other
    for taken in (
        {"name": "evil"},
        {"certificate_request": other.certificate_request},
        {"node_signature": other.node_signature},
        {"node_signature": "00"},
    ):
        with pytest.raises(LinkError, match="node key"):
            LinkRequest.from_json(spoiled(REQUEST, **taken))
    with pytest.raises(LinkError, match="node key"):
        LinkRequest.from_json(spoiled(other, node_key=REQUEST.node_key))
