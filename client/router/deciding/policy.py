"""The router's policy: what a bureau lets pass, sends to people, and stops. Only the bureau changes it."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from client.router.rules.table import example_rules, rules_from
from common.errors import InputError

MOST_BYTES = 1 << 16

_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

Share = Annotated[float, Field(ge=0, le=1, strict=False)]
Language = Literal["zh", "en"]
ClusterWord = Literal["by_cards", "fast", "review", "human", "hold"]
"""``fast`` trusts a cluster without cards; ``human`` quarantines it; ``hold`` is for a confirmed group."""


class Objection(BaseModel):
    """How an insured person objects, in the bureau's own words; the end of every explanation."""

    model_config = _STRICT

    zh: Annotated[str, Field(min_length=1, max_length=500)] = (
        "如有异议，您可以要求人工复核、要求说明理由，或拒绝仅由自动化方式作出的决定："
        "请到参保地医保经办窗口，或拨打医保服务热线12393。"
    )
    en: Annotated[str, Field(min_length=1, max_length=500)] = (
        "If you disagree you may ask that a person looks at it again, ask for the reasons, or refuse decisions made by "
        "automation alone: at the counter of your medical insurance bureau, or on its hotline 12393."
    )


class RouterPolicy(BaseModel):
    """What a bureau's router may do by itself.

    Attributes:
        min_confidence: Below it a claim goes to a person.
        min_reviewed: Reviewed claims without which there is no calibration, and so no FAST lane.
        min_cluster_reviewed: Reviewed claims without which a cluster has no support, and its claims go to a person.
        high_risk_share: A cluster whose share of improper claims is surely above it is reviewed.
        largest_risk_share: A cluster whose share of improper claims may be above it has no support.
        certainty: Of the bounds on that share, two-sided.
        novel_beyond: Multiple of the cluster's released rms distance beyond which a claim is novel.
        max_provider_share: Share of a cluster's recent claims from one provider above which they are reviewed.
        min_provider_claims: Recent claims of a cluster that a share is told of; below it, and without cards made from
            so many, no claim of the cluster is FAST.
        spot_check_share: Share of the claims that would be FAST which a person looks at nevertheless, by lot.
        fast_share: Share of the bureau's recent claims, the most routine ones, that may be FAST; 1 for no such limit.
        max_canary_moves: Share of the canary claims whose lane a new model may change.
        accept_stream_models: Whether the models of the stream that is followed are accepted without a person, where
            every check passes.
        clusters_of: First digits of the SHA-256 of the model whose clusters are meant: another model numbers them anew;
            or of the name of their stream, whose clusters have identities in all its models.
        clusters: Lane word by cluster number, or identity; clusters that are not named go by their cards. Under another
            model or stream than ``clusters_of``, no cluster passes by itself until the section is written anew.
        languages: Of explanations, in this order.
        objection: How an insured person objects.
        rules: Parameters by rule; the rules themselves say which they know.
    """

    model_config = _STRICT

    min_confidence: Share = 0.85
    min_reviewed: Annotated[int, Field(ge=50)] = 200
    min_cluster_reviewed: Annotated[int, Field(ge=1)] = 20
    high_risk_share: Share = 0.1
    largest_risk_share: Share = 0.35
    certainty: Annotated[float, Field(ge=0.5, le=0.999)] = 0.9
    novel_beyond: Annotated[float, Field(gt=0, le=100, strict=False)] = 2.0
    max_provider_share: Share = 0.5
    min_provider_claims: Annotated[int, Field(ge=1)] = 30
    spot_check_share: Annotated[float, Field(ge=0, le=0.5, strict=False)] = 0.02
    fast_share: Share = 0.6
    max_canary_moves: Share = 0.05
    accept_stream_models: bool = False
    clusters_of: Annotated[str, Field(pattern=r"^([0-9a-f]{12,64})?$")] = ""
    clusters: Mapping[int, ClusterWord] = {}
    languages: Annotated[tuple[Language, ...], Field(strict=False, min_length=1)] = ("zh", "en")
    objection: Objection = Objection()
    rules: Mapping[str, Mapping[str, Any]] = {}

    @field_validator("clusters", mode="before")
    @classmethod
    def _reads_numbers(cls, value: object) -> object:
        """TOML's keys are texts."""
        if not isinstance(value, dict):
            return value
        return {int(key) if isinstance(key, str) and key.isdecimal() else key: word for key, word in value.items()}

    @model_validator(mode="after")
    def _says_whose_clusters(self) -> Self:
        if self.clusters and not self.clusters_of:
            msg = "clusters needs clusters_of: the model's model_sha256, or its stream, in `model list --json`"
            raise ValueError(msg)
        return self

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its one spelling, hexadecimal."""
        return hashlib.sha256(self.to_json()).hexdigest()

    def to_json(self) -> bytes:
        """Its one spelling, as the router keeps it: sorted keys, no blanks, ASCII."""
        held = self.model_dump(mode="json")
        if not self.accept_stream_models:  # so a policy that does not say it has the fingerprint it always had
            del held["accept_stream_models"]
        return json.dumps(held, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()

    @classmethod
    def from_json(cls, held: bytes) -> RouterPolicy:
        """The policy in its one spelling.

        Raises:
            InputError: If these bytes are none.
        """
        try:
            return cls.model_validate_json(held)
        except ValidationError as error:
            msg = f"the kept policy needs mending: {_faults(error)}"
            raise InputError(msg) from None


def parse_router_policy(text: bytes, name: str = "router.toml") -> RouterPolicy:
    """The policy of a TOML text; ``name`` is what errors call it.

    Raises:
        InputError: If it is too large, no TOML, a key is unknown, or a value is not allowed; the text names it.
    """
    if len(text) > MOST_BYTES:
        msg = f"the policy {name} is larger than {MOST_BYTES} bytes; it cannot be one"
        raise InputError(msg)
    try:
        policy = RouterPolicy.model_validate(tomllib.loads(text.decode("utf-8")))
    except ValidationError as error:
        msg = f"policy {name} needs mending: {_faults(error)}"
        raise InputError(msg) from None
    except RecursionError:
        msg = f"policy {name} is nested too deeply to be one"
        raise InputError(msg) from None
    except ValueError as error:
        msg = f"policy {name} is not valid TOML in UTF-8: {error}"
        raise InputError(msg) from None
    rules_from(policy.rules)  # refuses rules and parameters that nobody knows
    return policy


def _faults(error: ValidationError) -> str:
    found = error.errors(include_input=False, include_url=False)
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'policy'}: {one['msg']}" for one in found)


def example_router_policy() -> str:
    """A policy file with every key, its default and what it means, for a bureau to change."""
    given = RouterPolicy()
    return f"""\
# What this bureau's router may do by itself. Only the bureau changes this file.

# Below this calibrated confidence a claim goes to a person.
min_confidence = {given.min_confidence}
# Reviewed claims without which there is no calibration: every claim then goes to a person.
min_reviewed = {given.min_reviewed}
# Reviewed claims without which a cluster has no support: its claims go to a person.
min_cluster_reviewed = {given.min_cluster_reviewed}
# A cluster is reviewed if its share of improper claims is surely above high_risk_share, and goes to a person if that
# share may be above largest_risk_share: by bounds that hold with this certainty.
high_risk_share = {given.high_risk_share}
largest_risk_share = {given.largest_risk_share}
certainty = {given.certainty}
# A claim further from its cluster than this multiple of the cluster's released rms distance is novel: to a person.
novel_beyond = {given.novel_beyond}
# Claims of one provider that make up more than this share of a cluster's recent claims are reviewed. A share is told
# of min_provider_claims at least: below it, and without cards made from so many, no claim of the cluster is FAST.
max_provider_share = {given.max_provider_share}
min_provider_claims = {given.min_provider_claims}
# Share of the claims that would pass which a person looks at nevertheless, by lot. Calibration lives on them.
spot_check_share = {given.spot_check_share}
# Share of the bureau's recent claims, the most routine ones, that may pass; 1 for no such limit. Fixed at calibration.
fast_share = {given.fast_share}
# A new model is not accepted if it changes the lane of more than this share of the canary claims.
max_canary_moves = {given.max_canary_moves}
# Whether new models of the stream that is followed are accepted without a person (`serve`, `model follow`), where
# every check passes: signatures, order, time, and no more canary claims moved than allowed, since the version before
# and since the last version that a person has accepted. One that fails waits for a person.
accept_stream_models = {json.dumps(given.accept_stream_models)}
# Whose numbers those under [clusters] are: first digits of the model_sha256 that `model list --json` shows; of a model
# that follows a stream those of its stream, which `model list --json` shows too.
clusters_of = {json.dumps(given.clusters_of)}
# Languages of explanations.
languages = {json.dumps(given.languages)}

# How an insured person objects: the last sentences of every explanation.
[objection]
zh = {json.dumps(given.objection.zh, ensure_ascii=False)}
en = {json.dumps(given.objection.en)}

# Clusters that do not go by their cards: "fast", "review", "human" or "hold". Numbers are those of the model that
# clusters_of names, and identities in a stream (`explain` tells them); under another model or stream every claim goes
# to a person until this is written anew.
[clusters]
# 7 = "review"

# Rules that look for what is improper. A rule that is not named runs with what is written here.
{example_rules()}"""
