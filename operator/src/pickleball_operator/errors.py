"""The errors of the operator.

OperatorError
├── SpecError        a ModelDeployment that cannot be meant: the field, what is wrong, what to write
├── SettingsError    an environment variable PICKLEBALL_* that is unknown, missing or wrong
├── ResultError      files of an analysis that are not a policy and its provenance; carries a reason
├── RenderError      a template that did not give a manifest: a mistake in this package
├── LocalError       the local run cannot start a step
├── CertificateError the webhook has no certificate (yet)
├── ReviewFormError  what the webhook got is no AdmissionReview of a pod
├── ReviewError      what a person asked of the plugin cannot be done; says what to do
└── KubeError        the API server said no
    ├── NotFoundError
    ├── ConflictError     the object changed meanwhile, or exists already; try again
    ├── ForbiddenError    the service account lacks a permission
    ├── InvalidError      the API server refuses the manifest
    └── UnavailableError  no answer, or a failing server; try again
"""

from __future__ import annotations


class OperatorError(Exception):
    """Anything that this package refuses."""


class SpecError(OperatorError, ValueError):
    """A ModelDeployment that cannot be meant; every problem in one sentence each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


class SettingsError(OperatorError, ValueError):
    """A setting that is unknown, missing or wrong."""


class ResultError(OperatorError, ValueError):
    """The result of an analysis that cannot be taken; `reason` is a word for programs."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


class RenderError(OperatorError, RuntimeError):
    """A template that did not give a manifest."""


class LocalError(OperatorError, RuntimeError):
    """A step of the local run that cannot start."""


class CertificateError(OperatorError):
    """The webhook has no certificate, or cannot read it."""


class ReviewFormError(OperatorError, ValueError):
    """What the webhook got is no AdmissionReview of a pod."""


class ReviewError(OperatorError):
    """What a person asked of the plugin cannot be done."""


class KubeError(OperatorError):
    """The API server said no; `status` is its HTTP status, 0 without an answer."""

    status = 0

    def __init__(self, what: str, why: str, status: int | None = None) -> None:
        super().__init__(f"{what}: {why}")
        self.what = what
        self.why = why
        if status is not None:
            self.status = status


class NotFoundError(KubeError):
    """There is no such object."""

    status = 404


class ConflictError(KubeError):
    """The object changed meanwhile, or exists already."""

    status = 409


class ForbiddenError(KubeError):
    """The service account lacks a permission."""

    status = 403


class InvalidError(KubeError):
    """The API server refuses the manifest."""

    status = 422


class UnavailableError(KubeError):
    """No answer, or a failing server."""

    status = 503
