"""What an endpoint is: a name, what it may be asked as one record, who may ask, and a plain function that answers.

The record's fields are the endpoint's parameters: Gradio's description, the MCP tool and docs/api.md are all made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Literal, get_type_hints

from t2ialign.codec import decode
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.fields import check_length
from t2ialign.dashboard.shared.visitors import Visitor
from t2ialign.types import InputError

Access = Literal["everybody", "owner"]
SAYS = "says"  # the key of a field's description in its metadata


@dataclass(frozen=True)
class Call:
    """Who asks, and what the answer is made with."""

    services: Services
    visitor: Visitor


@dataclass(frozen=True)
class Endpoint:
    """``asked`` and ``answered`` are frozen records; ``answer(call, asked)`` makes the one of the other."""

    name: str
    says: str
    asked: type
    answered: type
    answer: Callable[[Call, Any], Any]
    access: Access = "everybody"
    files: bool = False  # whether it takes whole files, which are as long as they are

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Its parameters in the order of the record's fields."""
        hints = get_type_hints(self.asked)
        return tuple(
            Parameter(one.name, hints[one.name], one.default, one.metadata.get(SAYS, "")) for one in fields(self.asked)
        )


@dataclass(frozen=True)
class Parameter:
    """One of an endpoint's parameters; ``usual`` is ``MISSING`` where it has to be said."""

    name: str
    hint: Any
    usual: Any
    says: str

    @property
    def needed(self) -> bool:
        return self.usual is MISSING


def said(words: str, usual: Any = MISSING) -> Any:
    """A parameter of an endpoint: a field of its request record with its description and default."""
    return field(default=usual, metadata={SAYS: words})


def answered(endpoint: Endpoint, call: Call, values: Mapping[str, Any]) -> Any:
    """What an endpoint answers, as a record.

    Raises:
        InputError: one request too many, values that are not what the parameters say, what is the owner's, or what the
            endpoint itself refuses.
    """
    call.services.visits.count(call.visitor)
    if endpoint.access == "owner" and not call.visitor.owner:
        raise InputError(NOT_YOURS if owner.has_owner() else owner.NO_OWNER)
    if not endpoint.files:
        check_length(dict(values), f"What {endpoint.name} was asked")
    owner.note_act("", endpoint.name if endpoint.access == "owner" else "")
    return endpoint.answer(call, decode(endpoint.asked, dict(values), f"{endpoint.name} was asked for something else"))


NOT_YOURS = "This belongs to the owner: send the owner's token in the header X-T2ialign-Token."
