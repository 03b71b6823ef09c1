"""Protected plans for small generated worlds."""

from common.features.default import default_spec
from common.plan import Plan, Protection
from common.privacy import Privacy


def world_plan(n_clusters: int = 6, protection: Protection = Protection.NOISE, **terms: object) -> Plan:
    """A plan over the default features; bureaus share the weight of a person unless told otherwise."""
    privacy = Privacy.model_validate({"expected_units": 8000} | terms)
    return Plan(features=default_spec(), n_clusters=n_clusters, protection=protection, privacy=privacy, min_cohort=3)
