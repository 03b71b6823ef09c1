"""The error tree. The class of an error says what to do next; its text never shows a claim's value.

FedclaimsError
├── InputError            the claims or the mapping need mending
│   ├── SourceError         the file itself cannot be read as claims
│   └── IdentifierError     a direct identifier stands at the door: remove the column
├── PlanError             the plan needs mending; nothing was computed
├── RefusedError          a policy or a contract forbids it; trying again changes nothing
│   ├── CohortError         too few bureaus, or not the cohort that was agreed
│   ├── MessageError        a peer sent bytes that are not a valid message of this run
│   │   ├── SignatureError  (common.consortium.identity) it is not signed by whom it should be
│   │   └── CheatError      (common.masking.opening) a bureau sent what no honest one sends; it is named
│   ├── LocalNoiseTooSmallError   (common.noise.local_noise) the plan's noise is too small to be exact
│   ├── RosterError       (common.consortium) a roster does not count, or does not say what is asked of it
│   └── WrongOrderError   (common.masking.participant) a step that contradicts an earlier one
├── RoundLostError        this round failed; it may be tried again
└── EngineError           the transport or its environment failed

The station's ledger has errors of its own on this tree: ``client.ledger.errors``.

An exception text may travel, be logged or be shown: it is a release. Quantities, limits and names of
columns are allowed in it, contents of rows are not.
"""

from __future__ import annotations


class FedclaimsError(Exception):
    """Every error this project raises on purpose.

    Attributes:
        exit_code: What a command returns to the shell when this error ends it.
    """

    exit_code = 1


class InputError(FedclaimsError):
    """The claims or the mapping need mending; the text says how."""

    exit_code = 3


class SourceError(InputError):
    """The file cannot be read as claims: damaged, too large, or without a column the mapping names."""


class IdentifierError(InputError):
    """A column that names a person directly was found; it must be removed before the claims come in."""


class PlanError(FedclaimsError):
    """The plan contradicts itself or the data; change the plan."""

    exit_code = 4


class RefusedError(FedclaimsError):
    """A policy or a contract forbids the request; never retry it unchanged."""

    exit_code = 5


class CohortError(RefusedError):
    """The cohort is too small, or not the one that was agreed."""


class MessageError(RefusedError):
    """Bytes from a peer are not a valid message of this run: reject the peer."""


class RoundLostError(FedclaimsError):
    """A round could not be completed; a new attempt may succeed."""

    exit_code = 6


class EngineError(FedclaimsError):
    """The transport or its environment failed; the text says what to install or to start."""

    exit_code = 7
