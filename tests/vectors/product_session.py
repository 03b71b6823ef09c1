"""A whole session with the product: coordinator and bureaus in one room, each message in its turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from common.consortium.identity import Identity
from common.masked_messages import Confirm, Masked, MaskedJoin, MaskedResult, Ready, Reveal
from common.masking.keys import SessionSecrets
from common.masking.participant import Participant
from common.messages import words_to_bytes
from common.plan import Phase, Plan
from common.private.asked import PrivateRound
from common.private.update import Cells
from common.sealing import sealed
from common.wire import AnyMessage, encode
from server.masked.tallying import Tally
from server.masked.terms import Terms
from tests.vectors.product_csa1 import bureau_of


class Session:
    """The coordinator speaks by its ``Terms`` and opens by its ``Tally``, a bureau answers by ``Participant``."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given, self.said, self.sums = given, list[bytes](), list[list[int]]()
        self.names = sorted(given["bureaus"])
        self.identities = {name: Identity.of_seed(given["bureaus"][name]["identity"]) for name in self.names}
        self.terms = _terms(given, {name: one.public for name, one in self.identities.items()})
        self.previous, self.digest = (b"", 0), b""
        self.bureaus: dict[str, Participant] = {}
        self.head = {"session": given["session"], "fingerprint": self.terms.plan.fingerprint}

    def run(self) -> dict[str, Any]:
        self._begin()
        for each in self.given["rounds"]:
            self._attempt(each)
        model, (opened, answered) = self.given["model"], self.previous
        result = MaskedResult(**self.head, model=model, opened=opened, answered=answered)
        self._say(sealed(result, self.terms.identity))
        return {"messages": self.said, "sums": self.sums}

    def _begin(self) -> None:
        self._say(self.terms.offer())
        joins = {name: self._join(name) for name in self.names}
        self._say(self.terms.members(joins))
        self.digest = self.terms.session_of(joins)
        members = {
            name: {"exchange": joins[name].exchange_key, "identity": self.identities[name].public}
            for name in self.names
        }
        agreed = {"session": self.digest, "members": members, "threshold": self.given["threshold"]}
        for name in self.names:
            self.bureaus[name] = bureau_of({"name": name, **self.given["bureaus"][name], **agreed})
            self._seal(name, Ready(**self.head, bureau=name, members=self.digest))

    def _join(self, name: str) -> MaskedJoin:
        secrets = self.given["bureaus"][name]
        key = SessionSecrets(secrets["exchange"], secrets["own"]).public
        signature = self.identities[name].sign("join", self.terms.offer_digest, name, key)
        join = MaskedJoin(**self.head, bureau=name, exchange_key=key, signature=signature)
        self._say(join)
        return join

    def _attempt(self, each: Mapping[str, Any]) -> None:
        asked, cohort = _asked(each), tuple(self.names)
        self._say(self.terms.invite(asked, each["attempt"], cohort, self.previous))
        tally = self.terms.tally(self.digest, asked, each["attempt"], cohort)
        assert tally.n_words == each["n_words"]
        for name in self.names:
            self._masked(name, each, tally)
        if len(tally.given) >= self.given["threshold"]:
            self._open(tally)

    def _masked(self, name: str, each: Mapping[str, Any], tally: Tally) -> None:
        sent = self.bureaus[name].contribute(tally.context, np.array(each["words"][name], np.int64))
        if name in each["lost"]:
            return
        fields = {field: getattr(sent, field) for field in ("context", "words", "own_commitment", "pair_commitments")}
        place = {"number": each["number"], "attempt": each["attempt"], "bureau": name, "head": each["heads"][name]}
        tally.take_masked(self._seal(name, Masked(**self.head, **place, **fields)))

    def _open(self, tally: Tally) -> None:
        tally.fix_survivors()
        context, names = tally.context.digest, tally.survivors
        self._say(self.terms.survivors(context, names, tally.digests))
        for name in names:
            signature = self.bureaus[name].confirm(context, names, tally.digests)
            confirm = Confirm(**self.head, bureau=name, context=context, signature=signature)
            tally.take_confirm(confirm)
            self._say(confirm)
        self._say(self.terms.reveal_request(context, [tally.confirmations[name] for name in names]))
        for name in names:
            shown = self.bureaus[name].reveal(context, tally.confirmations)
            keys = b"".join(shown.pair_keys[peer] for peer in sorted(shown.pair_keys))
            reveal = Reveal(**self.head, bureau=name, context=context, own_key=shown.own_key, pair_keys=keys)
            tally.take_reveal(self._seal(name, reveal))
        total = tally.total()
        self.sums.append([int(word) for word in total])
        self.previous = words_to_bytes(total), len(names)

    def _seal(self, name: str, message: Any) -> Any:
        found = sealed(message, self.identities[name])
        self._say(found)
        return found

    def _say(self, message: AnyMessage) -> None:
        self.said.append(encode(message))


def _terms(given: Mapping[str, Any], keys: Mapping[str, bytes]) -> Terms:
    names = ("session", "coordinator", "roster", "colluding", "expires")
    return Terms(
        plan=Plan.from_canonical(given["plan"]),
        version="0",
        identity=Identity.of_seed(given["coordinator_seed"]),
        bureau_keys=keys,
        **{name: given[name] for name in names},
    )


def _asked(each: Mapping[str, Any]) -> PrivateRound:
    centroids, radii = np.array(each["centroids"], np.int64), np.array(each["radii"], np.int64)
    ones = np.ones(len(radii))
    cells = Cells(centroids=centroids, radii=radii, counts=ones, spread=ones)
    return PrivateRound(number=each["number"], phase=Phase(each["phase"]), cells=cells, cost=each["cost"], spent=0)


def transcript(**given: Any) -> dict[str, Any]:
    return Session(given).run()
