"""The files that ``init`` writes for people to change: every key, with what it means."""

from __future__ import annotations

import json


def coordinator_toml(name: str, host: str) -> str:
    """A configuration file with every key and what it means."""
    return f"""\
# Where this coordinator is reached, when it runs, and where it keeps what it did. What is asked is said in plan.toml.
# Paths are seen from this file's directory unless they begin with a slash. Durations: 90s, 15m, 6h, 30d.

# What the roster calls this coordinator.
name = {json.dumps(name, ensure_ascii=False)}
# Under which bureaus reach the reverse proxy.
host = {json.dumps(host)}

[proxy]
port = 443
# Whether the operator may reach the SuperLink's control, and so start code of any kind here, through the proxy, too.
operator = false
# The proxy's own directory.
directory = "/var/lib/fedclaims-proxy"

[superlink]
# Flower's SuperLink listens on this machine's loopback alone, behind the proxy.
port = 9092

[schedule]
# Without any of these, runs start only when you order them with `fedclaims-coordinator run`.
# every = "1h"                 # counted in UTC
# at = ["02:30", "14:30"]      # and, or instead, at these times of the day
# days = ["mon", "thu"]        # of these days; leave it out for all
# timezone = "Asia/Shanghai"   # of `at` and `days`; UTC if nothing is said

[run]
# How long a run waits for bureaus that were let in; then it goes on with those that are there.
patience = "2m"
# For the answers to one question.
replies = "10m"
# For the whole of it.
limit = "6h"

[models]
# How long a published model counts.
last = "90d"

# Claims followed as they come, one protected round a tick: take the # away, then `fedclaims-coordinator stream init`.
# [stream]
# plan = "plan.toml"           # of a window; each bureau enters a claim into one window alone
# every = "15m"                # counted from `stream init`
# memory = 700                 # what earlier windows weigh in the next one, per mille
# fewest_bureaus = 2           # a new cluster stays in quarantine until it was seen in so many
# reseed = "when drift demands"          # or "never": when clusters are looked for anew
# alerts_file = "alerts.jsonl"           # what people are told, a JSON line each
# alerts_webhook = "https://alerts.example/fedclaims"    # and where it is posted
# alerts_token_file = "alerts.token"     # its bearer token, mode 600; leave it out where it asks for none
# alerts_roots_file = "alerts.pem"       # certificates that its own must come from; leave it out for the usual ones

[registry]
# "sqlite": a file in this directory. Or a PostgreSQL database of its own:
# url = "postgresql+psycopg://fedclaims@database.example/fedclaims"
# password_file = "registry.password"       # mode 600; leave it out where the account needs no password
url = "sqlite"

[keys]
# First line: the passphrase of consortium/identity.key. Leave it out where it has none.
# passphrase_file = "/run/credentials/fedclaims-coordinator.service/passphrase"

[authority]
# The authority's key, if it is kept elsewhere. Only `link admit`, `link revoke` and `certificate` need it; the service
# runs without it. Whoever reads it can let anybody in.
# key = "/media/authority/authority.key"

[log]
level = "info"
"""


def plan_toml() -> str:
    """A plan file with the keys that a coordinator decides on."""
    return """\
# What the bureaus are asked to agree to. All of it is public. `fedclaims-coordinator plan` prints the plan that
# follows; each bureau looks at it with `fedclaims-bureau preview`, and its own policy wins over whatever stands here.

name = "clusters"
# Code systems of diagnoses and operations.
diagnoses = "icd10"
operations = "icd9cm3"
# How many groups. `fedclaims-coordinator doctor` says whether the budget carries so many.
clusters = 32

# "secure": masked sums, the coordinator sees the sum of all bureaus alone. "noise": it sees each bureau's noisy sums.
# "none": exact sums, for generated or public claims.
protection = "secure"
# Of a whole run.
epsilon = 1.0
delta = 1e-6
# Who is protected: "person" with all claims, or "claim".
unit = "person"
# "shared": the claims of a person share a weight of 1. "capped": claims_per_person of them count. For the unit "claim":
# "each_claim".
weighting = "shared"
claims_per_person = 1
# In how many bureaus one person may have claims.
bureaus_per_person = 1
# Public estimate of what all bureaus hold together: of insured persons with "shared", else of claims. CHANGE IT.
expected_units = 100000

# Bureaus without which no run starts, and whose noise is counted on; no less than the roster's terms.
min_cohort = 3
honest_floor = 2

max_rounds = 150
# Smaller groups are not published.
smallest_cluster = 11
# Costs above count as this much.
cost_cap_yuan = 200000
seed = 0
"""
