"""What a bureau decides with: model, policy, cards, habits and calibration, all about the same model or refused."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from client.router.deciding.calibration import Calibration
from client.router.deciding.cards import ClusterCard, ClusterCards
from client.router.deciding.clusters import cluster_reasons, counting_cards, provider_shares
from client.router.deciding.habits import Habits, no_habits
from client.router.deciding.lanes import BIT, Reason
from client.router.deciding.model import RoutingModel
from client.router.deciding.phrases import Phrases
from client.router.deciding.policy import RouterPolicy
from client.router.deciding.scoring import SCORING
from common.errors import RefusedError

LOT_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class Artefacts:
    """Everything that decisions follow from, besides the claims.

    Guarantees:
        * Cards, habits and calibration are about ``model`` or another one of its stream and features, whose clusters
          have the same identities, and the calibration about these habits and this score; so no number of another model
          is ever used by mistake.

    Attributes:
        model: The accepted one.
        policy: The bureau's.
        cards: Of the model's clusters; without any, no claim is FAST.
        habits: Of the bureau's own claims; None before any were observed.
        calibration: None before enough claims were reviewed: then no claim is FAST.
        lot: 32 secret bytes that spot checks are drawn with.

    Raises:
        RefusedError: If they are about different models.
    """

    model: RoutingModel
    policy: RouterPolicy
    cards: ClusterCards
    habits: Habits | None
    calibration: Calibration | None
    lot: bytes

    def __post_init__(self) -> None:
        """Refuse what does not belong together."""
        about = {self.cards.model_sha256, self.model.family}
        about |= {self.habits.model_sha256} if self.habits else set()
        about |= {self.calibration.model_sha256} if self.calibration else set()
        if len(about) != 1:
            msg = "cards, habits or calibration are about another model: make them again for the accepted one"
            raise RefusedError(msg)
        if self.calibration is not None and not self._is_of_these_scores(self.calibration):
            msg = "the calibration is about other habits or another score: fit it again"
            raise RefusedError(msg)
        if len(self.lot) != LOT_BYTES:
            msg = f"a lot has {LOT_BYTES} bytes"
            raise ValueError(msg)

    def _is_of_these_scores(self, calibration: Calibration) -> bool:
        return calibration.scoring == SCORING and calibration.habits_sha256 == self.usual.sha256

    @cached_property
    def usual(self) -> Habits:
        """The habits; empty ones if none were observed."""
        return self.habits or no_habits(self.model.family)

    @cached_property
    def policy_sha256(self) -> str:
        """Fingerprint of the policy."""
        return self.policy.fingerprint

    @cached_property
    def cards_sha256(self) -> str:
        """Digest of the cards."""
        return self.cards.sha256

    @cached_property
    def habits_sha256(self) -> str | None:
        """Digest of the habits; None without any."""
        return None if self.habits is None else self.habits.sha256

    @cached_property
    def calibration_sha256(self) -> str | None:
        """Digest of the calibration; None without one."""
        return None if self.calibration is None else self.calibration.sha256

    @cached_property
    def cluster_words(self) -> npt.NDArray[np.int32]:
        """Per cluster the reasons, as bits, why its claims do not pass by themselves; 0 for none."""
        reasons = cluster_reasons(self.model, self.cards, self.policy)
        bits = [0 if reason is None else BIT[reason] for reason in reasons]
        unmeasured = np.where(np.isnan(self.model.mean_squares), BIT[Reason.UNSUPPORTED_CLUSTER], 0)
        unconfirmed = np.where(self.model.quarantined, BIT[Reason.UNCONFIRMED_CLUSTER], 0)
        return np.array(bits, np.int32) | (unmeasured | unconfirmed).astype(np.int32)

    @cached_property
    def novel_squares(self) -> npt.NDArray[np.float64]:
        """Per cluster the squared distance, units of ``2**-40``, beyond which a claim is novel; NaN where unknown."""
        return self.policy.novel_beyond**2 * self.model.mean_squares * float(1 << 40)

    @cached_property
    def counting_cards(self) -> tuple[ClusterCard | None, ...]:
        """Per cluster the card that counts for it."""
        return counting_cards(self.model, self.cards, self.policy)

    @cached_property
    def shares_of_providers(self) -> dict[tuple[int, str], int]:
        """Cluster and provider to the provider's share of the cluster's recent claims, per mille."""
        return provider_shares(self.counting_cards, self.policy)

    @cached_property
    def cards_version(self) -> int | None:
        """Of the model whose cards were taken over; None where these are the model's own."""
        return None if self.cards.version == self.model.version else self.cards.version

    @cached_property
    def phrases(self) -> Phrases:
        """What many records say alike."""
        return Phrases.of(self.model, self.usual, self.calibration, self.policy_sha256)
