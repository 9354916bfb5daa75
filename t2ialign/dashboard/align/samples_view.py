"""The sample strip: the same prompts and seeds drawn again and again while a model trains, from step 0 on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Moment:
    """The pictures of one step: for each prompt, in one order, the addresses of its seeds' pictures."""

    step: int
    rows: Sequence[tuple[str, Sequence[str]]]


def strip(moments: Sequence[Moment], small: bool) -> str:
    """A column a moment, a row a prompt, all seeds of a cell beside each other."""
    if not moments:
        return '<p class="t2-notice hint">The first samples come before the first step.</p>'
    prompts = [prompt for prompt, _ in moments[0].rows]
    heads = "".join(f"<th>{'before' if moment.step == 0 else f'step {moment.step:,}'}</th>" for moment in moments)
    rows = "".join(_row(prompt, index, moments) for index, prompt in enumerate(prompts))
    return (
        f'<div class="t2-samples{" hard" if small else ""}" tabindex="0" aria-label="Samples while it trains"><table>'
        f"<thead><tr><th></th>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(prompt: str, index: int, moments: Sequence[Moment]) -> str:
    cells = "".join(f"<td><div>{_pictures(moment.rows[index][1])}</div></td>" for moment in moments)
    return f'<tr><th scope="row">{escape(prompt)}</th>{cells}</tr>'


def _pictures(sources: Sequence[str]) -> str:
    return "".join(f'<img src="{source}" alt="">' if source else "<i></i>" for source in sources)
