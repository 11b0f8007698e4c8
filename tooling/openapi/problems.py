"""Every type of problem that the API tells of: those of the error tree, and the few that no error stands behind."""

from dataclasses import dataclass
from typing import Any, Final

from fermata.domain.web.problem import PROBLEMS, is_retryable, problem_type

_EXAMPLE_REQUEST_ID: Final = "84619bce-7bd6-4dd3-8bf4-5f74c5df5d47"


@dataclass(frozen=True)
class ProblemType:
    """A type of problem; `when` says in one sentence what has happened."""

    slug: str
    status: int
    title: str
    when: str

    @property
    def urn(self) -> str:
        """The value of the member `type`."""
        return problem_type(self.slug)

    def example(self) -> dict[str, Any]:
        """A problem document of this type."""
        return {
            "type": self.urn,
            "title": self.title,
            "status": self.status,
            "detail": self.when,
            "errors": [{"pointer": "/model", "message": "is required"}] if self.slug == "invalid_request" else [],
            "retryable": is_retryable(self.status),
            "charged": None,
            "request_id": _EXAMPLE_REQUEST_ID,
        }


_WITHOUT_AN_ERROR: Final = (
    ProblemType("no_such_track", 409, "There is no such track", "The job has no track of this number, or not yet."),
    ProblemType("internal", 500, "Internal error", "Something went wrong on our side; quote request_id."),
)
FAILURE: Final[dict[str, Any]] = {
    "description": "What went wrong: a `Problem`, or where API Gateway answered itself a `GatewayMessage`.",
    "anyOf": [{"$ref": "#/components/schemas/Problem"}, {"$ref": "#/components/schemas/GatewayMessage"}],
}
"""The body of a status that a function and API Gateway may both answer with."""


def _first_sentence(error: type[Exception]) -> str:
    text = " ".join((error.__doc__ or "").split())
    return text.partition(". ")[0].rstrip(".") + "."


PROBLEM_TYPES: Final[dict[str, ProblemType]] = {
    kind.slug: kind
    for kind in (
        *(
            ProblemType(slug, status, title, _first_sentence(error))
            for error, (status, slug, title) in PROBLEMS.items()
        ),
        *_WITHOUT_AN_ERROR,
    )
}
"""Each type by its slug. The sentences of those with an error come from `fermata.errors`."""


def table_of_types() -> str:
    """All types as a table in Markdown, by status."""
    rows = sorted(PROBLEM_TYPES.values(), key=lambda kind: (kind.status, kind.slug))
    head = "| type | status | title | when |\n|---|---|---|---|\n"
    return head + "".join(f"| `{kind.urn}` | {kind.status} | {kind.title} | {kind.when} |\n" for kind in rows)
